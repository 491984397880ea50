import type { Parcel } from '../delivery/delivery.ts'
import { deliveryHeaders } from '../delivery/delivery-headers.ts'
import { batchMediaType } from '../delivery/envelopes.ts'
import type { Answer } from '../delivery/outcome.ts'
import type { AttemptResult } from '../delivery/ports.ts'
import type { WebhookRequest } from '../delivery/request.ts'
import { decide } from '../delivery/retry.ts'
import { UnsendableError } from '../delivery/unsendable.ts'
import type { EventDefinition, RecipientPolicy, RetryPolicy } from '../matching/event.ts'
import type { Subscriber } from '../subscriptions/subscriber.ts'

/** What the global part of hookd.yaml says where neither the subscriber nor the event does. */
export interface AttemptDefaults {
  readonly timeoutMs: number
  readonly retry: RetryPolicy
  readonly recipients: RecipientPolicy
  readonly userAgent: string
}

export interface AttemptPorts {
  send(request: WebhookRequest): Promise<Answer>
  /** Undefined for an event that is no longer declared. */
  event(declaredName: string): EventDefinition | undefined
  defaults(): AttemptDefaults
}

/** Signs, sends and judges one parcel. Never rejects. */
export async function attempt(parcel: Parcel, subscriber: Subscriber, ports: AttemptPorts): Promise<AttemptResult> {
  const first = parcel.deliveries[0]!
  const event = ports.event(first.message.declaredEvent)
  const defaults = ports.defaults()
  const atMs = Date.now()
  const answer = await exchange(parcel, subscriber, { ports, event, defaults, atMs })
  const policy = retryPolicy(subscriber, event, defaults)
  const outcome = decide(answer, { attempts: first.attempts + 1, policy, random: Math.random, now: Date.now() })
  return { atMs, url: subscriber.url, answer, outcome }
}

/** The subscriber's schedule, else the event's, else the global one. */
function retryPolicy(
  subscriber: Subscriber,
  event: EventDefinition | undefined,
  defaults: Pick<AttemptDefaults, 'retry'>,
): RetryPolicy {
  return subscriber.retry ?? event?.retry ?? defaults.retry
}

interface Exchange {
  readonly ports: AttemptPorts
  readonly event: EventDefinition | undefined
  readonly defaults: AttemptDefaults
  readonly atMs: number
}

function exchange(parcel: Parcel, subscriber: Subscriber, exchange: Exchange): Answer | Promise<Answer> {
  const { ports, event, defaults, atMs } = exchange
  const first = parcel.deliveries[0]!
  const contentType = parcel.isBatch ? batchMediaType(first.contentType) : first.contentType
  let headers: readonly string[]
  try {
    headers = deliveryHeaders(
      {
        event: first.message.event,
        messageId: parcel.messageId,
        deliveryId: parcel.id,
        body: parcel.body,
        now: atMs,
        userAgent: defaults.userAgent,
        eventHeaders: first.headers,
      },
      contentType === subscriber.contentType ? subscriber : { ...subscriber, contentType },
    )
  } catch (error) {
    if (!(error instanceof UnsendableError)) throw error
    return { kind: 'failure', failure: error.failure, message: error.message, durationMs: 0 }
  }
  return ports.send({
    url: subscriber.url,
    headers,
    body: parcel.body,
    timeoutMs: subscriber.timeoutMs ?? event?.timeoutMs ?? defaults.timeoutMs,
    recipients: event?.recipients ?? defaults.recipients,
    keepAlive: event?.keepAlive ?? true,
  })
}
