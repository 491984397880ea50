import type { CatalogTable } from '../postgres/catalog.ts'

/**
 * Turns the messages of an output plugin into transactions and changes, which it hands to a `StreamSink`.
 *
 * Both plugins give the same changes for the same WAL. A decoder survives a reconnection: the next BEGIN starts afresh.
 */
export interface Decoder {
  /**
   * Decodes one message: the payload of an XLogData, without its header. Nothing keeps a reference to the buffer. `lsn`
   * is the start LSN of the XLogData, `16/B374D848`.
   *
   * A change that cannot be decoded becomes an `UndecodableChange`. Throws HOOKD_STREAM_UNREADABLE only where the frame
   * of a transaction cannot be read, because what follows could not be placed or confirmed.
   */
  decode(message: Buffer, lsn: string): void
}

/** What a decoder asks of the catalog; asked for every change, so the catalog may be replaced between two of them. */
export interface DecoderCatalog {
  /** By `schema.table`, unquoted. */
  table(name: string): CatalogTable | undefined
}

export interface DecoderLimits {
  /** A larger cell becomes `Unreadable`; counted in bytes of the value's text in UTF-8. */
  readonly maxCellBytes: number
  /** Once the cells of a row image exceed this, the rest of them, but for the key, become `Unreadable`. */
  readonly maxMessageBytes: number
}
