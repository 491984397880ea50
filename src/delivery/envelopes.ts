import type { Envelope, EventDefinition } from '../matching/event.ts'
import type { ContentType } from '../subscriptions/subscriber.ts'
import { JsonObject, type JsonEntry, type JsonValue, parseJson, stringifyJson } from '../values/json.ts'
import { PayloadError } from './facts.ts'

const CLOUDEVENTS = 'application/cloudevents+json'

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

/** `{type, timestamp, data}` as Standard Webhooks recommends, then `extras`. */
export function standardBody({ event, data }: BodyParts, committedAt: string, extras: string): string {
  return `{"type":${event},"timestamp":"${committedAt}","data":${data}${extras}}`
}

/**
 * A CloudEvent 1.0 in structured mode, `subject` being the `ref` if there is one; `table` is null for an emitted message.
 *
 * https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
 */
export function cloudeventsBody(
  { event, ref, data }: BodyParts,
  { id, table, committedAt }: { id: string; table: string | null; committedAt: string },
): string {
  const source = JSON.stringify(`hookd:${table === null ? 'emit' : encodeURIComponent(table)}`)
  const subject = ref === 'null' ? '' : `,"subject":${ref}`
  const head = `{"specversion":"1.0","id":"${id}","source":${source},"type":${event}${subject}`
  return `${head},"time":"${committedAt}","datacontenttype":"application/json","data":${data}}`
}

/** What `Content-Type` says of one body. */
export function mediaType(envelope: Envelope, contentType: ContentType): string {
  return envelope === 'cloudevents' ? CLOUDEVENTS : contentType
}

/** What `Content-Type` says of a batch of such bodies. */
export function batchMediaType(contentType: string): string {
  return contentType === CLOUDEVENTS ? 'application/cloudevents-batch+json' : contentType
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
