import { formatRange } from '../replication/lsn.ts'
import { type ServerPosition, undoneBy } from '../replication/start-position.ts'
import type { Log } from '../telemetry/log.ts'
import type { Session } from './session.ts'
import type { TakenSlot } from './session-ports.ts'

/**
 * Says which changes a failover has undone, as far as this process has read them or found them recorded: they may have
 * been sent although they never happened on the server that there is now.
 */
export function warnOfUndone(
  log: Log,
  server: ServerPosition,
  { before, taken }: { before: Pick<Session, 'timeline' | 'seenUpto'> | null; taken: Pick<TakenSlot, 'undone'> },
): void {
  const lost = (before && undoneBy(server, before.timeline, before.seenUpto)) ?? taken.undone
  if (lost === null) return
  const text = 'a failover of the server undid these changes, which may have been sent already; compare your data'
  log.error({ undone: formatRange(lost), timeline: server.timeline }, text)
}
