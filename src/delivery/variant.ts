import { hash } from 'node:crypto'
import type { EventDefinition } from '../matching/event.ts'
import type { BodyTarget } from './facts.ts'
import { usesConfig } from './plan.ts'

const VARIANTS = {
  'application/json': {
    hookd: 'hookd json',
    thorn: 'thorn json',
    raw: 'raw json',
    flat: 'flat json',
    resthooks: 'resthooks json',
    standard: 'standard json',
    cloudevents: 'cloudevents json',
  },
  'application/x-www-form-urlencoded': {
    hookd: 'hookd form',
    thorn: 'thorn form',
    raw: 'raw form',
    flat: 'flat form',
    resthooks: 'resthooks form',
    standard: 'standard form',
    cloudevents: 'cloudevents form',
  },
} as const

/**
 * Names a rendering of a message: targets with the same key get the same bytes.
 *
 * `hookd json` for most. A hash follows where the body depends on the subscriber: on its config, or in the resthooks
 * envelope on its id and URL.
 */
export function variantKey(definition: EventDefinition, target: BodyTarget): string {
  const base = VARIANTS[target.contentType][target.envelope]
  const config = usesConfig(definition) ? target.config : null
  const hook = target.envelope === 'resthooks' ? [target.subscriberId, target.url] : null
  if (config === null && hook === null) return base
  return `${base} ${hash('sha256', JSON.stringify([config, hook]), 'hex').slice(0, 32)}`
}
