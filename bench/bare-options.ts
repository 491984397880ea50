import type { Plugin } from '../test/support/database.ts'

/** What the bare program is told, as JSON. */
export interface BareOptions {
  readonly databaseUrl: string
  readonly plugin: Plugin
  readonly slot: string
  readonly publication: string
  /** As wal2json's `add-tables` wants them. */
  readonly tables: string
  /** To each target; as many as hookd has by default. */
  readonly connections: number
  readonly targets: readonly { readonly url: string; readonly id: string; readonly secret: string }[]
}
