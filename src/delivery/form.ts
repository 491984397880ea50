import { JsonNumber, JsonObject, type JsonValue, parseJson } from '../values/json.ts'

/**
 * Turns a JSON object into `application/x-www-form-urlencoded`.
 *
 * `{"data":{"title":"A B","tags":["x","y"]}}` -> `data%5Btitle%5D=A+B&data%5Btags%5D%5B%5D=x&data%5Btags%5D%5B%5D=y`.
 * Null is empty; numbers keep their digits; an object or a list inside a list is told apart by its index,
 * `items[0][id]`; an empty object or list leaves no trace. Anything but an object is sent as `data`.
 */
export function formEncode(json: string): string {
  const root = parseJson(json)
  const form = new URLSearchParams()
  const members = root instanceof JsonObject ? root.entries : ([['data', root]] as const)
  for (const [key, value] of members) append(form, key, value)
  return form.toString()
}

function append(form: URLSearchParams, name: string, value: JsonValue): void {
  if (value instanceof JsonObject) {
    for (const [key, member] of value.entries) append(form, `${name}[${key}]`, member)
  } else if (value instanceof JsonNumber) {
    form.append(name, value.source)
  } else if (value === null || typeof value !== 'object') {
    form.append(name, value === null ? '' : String(value))
  } else {
    for (const [at, item] of value.entries()) append(form, `${name}[${isContainer(item) ? at : ''}]`, item)
  }
}

function isContainer(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && !(value instanceof JsonNumber)
}
