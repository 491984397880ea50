import type { LaneObserver } from '../delivery/ports.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'

/** Counts and logs what happens in the lanes, without URLs, secrets or payloads. */
export function observeLanes(metrics: Metrics, log: Log): LaneObserver {
  return {
    attempted(parcel, subscriber, { answer, outcome }) {
      const failure = answer.kind === 'failure' ? answer.failure : String(answer.status)
      metrics.attempted(outcome.kind, failure, answer.durationMs)
      if (outcome.kind === 'delivered') {
        const { committedAt } = parcel.deliveries[0]!.message.transaction
        metrics.delivered(Date.now() - Date.parse(committedAt))
        return
      }
      const { id } = subscriber
      log.warn(
        { subscriber: id, delivery: parcel.id, outcome: outcome.kind, class: failure },
        `not delivered: ${outcome.reason}`,
      )
    },
    modeChanged(subscriber, mode, reason) {
      if (mode === 'spilled') metrics.spilled(reason)
      log.debug({ subscriber, mode }, `lane is ${mode}: ${reason}`)
    },
    disabled: (subscriber, reason) => log.error({ subscriber }, `disabled a subscriber: ${reason}`),
  }
}
