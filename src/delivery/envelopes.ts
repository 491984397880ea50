import type { EventDefinition } from '../matching/event.ts'
import { JsonObject, type JsonEntry, type JsonValue, parseJson, stringifyJson } from '../values/json.ts'
import { PayloadError } from './facts.ts'

/** The parts of a message that envelopes are put together from, each as JSON text. */
export interface BodyParts {
  readonly event: string
  readonly ref: string
  readonly sender: string
  readonly data: string
}

/** `{event, ref, sender, data, meta, old}`, then `extras`. `old` is null where the event does not include it. */
export function hookdBody(parts: BodyParts, meta: string, rest: { old: string | null; extras: string }): string {
  const old = rest.old === null ? '' : `,"old":${rest.old}`
  return `${common(parts)},"meta":${meta}${old}${rest.extras}}`
}

/** `{event, ref, sender, data}`, then `extras`. */
export function thornBody(parts: BodyParts, extras: string): string {
  return `${common(parts)}${extras}}`
}

function common({ event, ref, sender, data }: BodyParts): string {
  return `{"event":${event},"ref":${ref},"sender":${sender},"data":${data}`
}

/** `{"hook":{id,event,target},"data":{…}}`, then `extras`. */
export function resthooksBody({ event, data }: BodyParts, target: { id: string; url: string }, extras: string): string {
  const hook = `{"id":${JSON.stringify(target.id)},"event":${event},"target":${JSON.stringify(target.url)}}`
  return `{"hook":${hook},"data":${data}${extras}}`
}

/** The data and `created`, then `extras`. Only for data without a key that one of them has too. */
export function flatBody(data: string, created: boolean, extras: string): string {
  return `${data.slice(0, -1)}${data === '{}' ? '' : ','}"created":${created}${extras}}`
}

/** As `flatBody` for any data: `created` replaces a column of that name, and a column keeps request_data out. */
export function mergedFlatBody(data: string, created: boolean, requestData: EventDefinition['requestData']): string {
  const root = parseJson(data)
  if (!(root instanceof JsonObject)) {
    throw new PayloadError('bad_template', 'the flat envelope needs data that is an object')
  }
  const entries: JsonEntry<JsonValue>[] = root.entries.filter(([key]) => key !== 'created')
  entries.push(['created', created])
  for (const { key, json } of requestData) {
    if (!entries.some(([taken]) => taken === key)) entries.push([key, parseJson(json)])
  }
  return stringifyJson(new JsonObject(entries))
}
