import type { RetryPolicy } from '../matching/event.ts'
import { choice, duration, fieldsOf, mapping, read, size } from './fields.ts'
import type { Field } from './fields.ts'
import type { Options } from './option-table.ts'
import { DEFAULT_RETRY } from './retry.ts'
import { retry } from './retry-field.ts'

/** The `delivery` section: how every event is sent that does not say otherwise. */
export interface DeliverySettings {
  /** Deadline of one attempt, from DNS to the last byte of the answer. */
  readonly timeoutMs: number
  readonly retry: RetryPolicy
  /** How long a delivery may hold the WAL before it moves to `hookd.deliveries`. */
  readonly spillAfterMs: number
  /** `all` also keeps what was delivered at the first attempt. */
  readonly deliveryLog: 'failures' | 'all'
  /** A larger body becomes a dead letter. */
  readonly maxPayloadBytes: number
  /** How long settled deliveries are kept. */
  readonly retentionMs: number
}

export const DEFAULT_DELIVERY: DeliverySettings = {
  timeoutMs: 15_000,
  retry: DEFAULT_RETRY,
  spillAfterMs: 5000,
  deliveryLog: 'failures',
  maxPayloadBytes: 1024 ** 2,
  retentionMs: 7 * 86_400_000,
}

/** What a timeout may be, for the file as for an event. */
export const TIMEOUT_LIMITS = { minMs: 1, maxMs: 600_000 }

const KEYS = ['timeout', 'retry', 'spill_after', 'delivery_log', 'max_payload', 'retention']

/** Reads the `delivery` section; what it does not say has its default. */
export function readDelivery(section: Field): DeliverySettings {
  const map = mapping(section)
  if (map === null) return DEFAULT_DELIVERY
  const fields = fieldsOf(map, { where: '"delivery"', keys: KEYS, problems: section.problems })
  return {
    timeoutMs: read(fields, 'timeout', (field) => duration(field, TIMEOUT_LIMITS)) ?? DEFAULT_DELIVERY.timeoutMs,
    retry: read(fields, 'retry', (field) => retry(field, DEFAULT_RETRY)) ?? DEFAULT_DELIVERY.retry,
    spillAfterMs:
      read(fields, 'spill_after', (field) => duration(field, { minMs: 0, maxMs: 60_000 })) ??
      DEFAULT_DELIVERY.spillAfterMs,
    deliveryLog:
      read(fields, 'delivery_log', (field) => choice(field, ['failures', 'all'])) ?? DEFAULT_DELIVERY.deliveryLog,
    maxPayloadBytes:
      read(fields, 'max_payload', (field) => size(field, { min: 1024, max: 64 * 1024 ** 2 })) ??
      DEFAULT_DELIVERY.maxPayloadBytes,
    retentionMs:
      read(fields, 'retention', (field) => duration(field, { minMs: 60_000, maxMs: 3650 * 86_400_000 })) ??
      DEFAULT_DELIVERY.retentionMs,
  }
}

/** The settings with what the command line or the environment says instead. */
export function withOptions(delivery: DeliverySettings, options: Options): DeliverySettings {
  return {
    ...delivery,
    maxPayloadBytes: options.maxPayloadBytes ?? delivery.maxPayloadBytes,
    retentionMs: options.retentionMs ?? delivery.retentionMs,
  }
}
