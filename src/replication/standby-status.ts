const POSTGRES_EPOCH_MS = 946_684_800_000 // 2000-01-01T00:00:00Z

/**
 * A standby status update: tells the server what we have received and what may be confirmed, and, if asked for, makes it
 * answer with a keepalive.
 *
 * The positions are sent as they are: an LSN one byte too far makes the server skip the transaction that starts there.
 * https://www.postgresql.org/docs/current/protocol-replication.html
 */
export function standbyStatus(status: {
  readonly received: bigint
  /** 0n confirms nothing. */
  readonly confirmed: bigint
  readonly replyRequested: boolean
  /** Milliseconds since the Unix epoch; the server shows it as reply_time. */
  readonly nowMs: number
}): Buffer {
  const frame = Buffer.allocUnsafe(34)
  frame[0] = 0x72 // 'r'
  frame.writeBigUInt64BE(status.received, 1)
  frame.writeBigUInt64BE(status.confirmed, 9)
  frame.writeBigUInt64BE(status.confirmed, 17)
  frame.writeBigInt64BE(BigInt(Math.round(status.nowMs) - POSTGRES_EPOCH_MS) * 1000n, 25)
  frame[33] = status.replyRequested ? 1 : 0
  return frame
}
