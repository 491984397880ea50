import type { Failure } from '../delivery/dispatcher.ts'
import { deliveryId, messageId } from '../delivery/identity.ts'
import type { CellToJson } from '../delivery/row-key.ts'
import { rowKeys } from '../delivery/row-key.ts'
import type { ErrorWrite } from '../ledger/writes.ts'

/** The row of `hookd.errors` for what could not become a message; the same row whenever the change is read. */
export function errorOf(failure: Failure, { systemId, toJson }: { systemId: string; toJson: CellToJson }): ErrorWrite {
  const { change, event, kind, subscriberId, message } = failure
  const { transaction, lsn, ordinal } = change
  const source = messageId({ systemId, ...transaction, lsn, ordinal, event: event ?? '' })
  return {
    id: deliveryId(source, `${kind} ${subscriberId ?? ''}`),
    kind,
    event,
    table: tableOf(change),
    rowKeyJson: change.kind === 'row' ? rowKeys(change, toJson).json : null,
    lsn,
    subscriberId,
    message,
  }
}

function tableOf(change: Failure['change']): string | null {
  if (change.kind === 'undecodable') return change.table
  return change.kind === 'emitted' || change.relation.name === '' ? null : change.relation.name
}
