import { jsonTest } from './parts.ts'
import { withoutPadding } from './scale.ts'
import type { Binding, Subject } from './subject.ts'

/** A test of the text form of a value that is not NULL; of JSON, strings only. */
export function textTest(subject: Subject, holds: (text: string) => boolean): Binding {
  switch (subject.kind.name) {
    case 'json':
      return jsonTest(subject, (value) => typeof value === 'string' && holds(value))
    case 'array':
      return 'cannot be used on an array; use "contains" with an element'
    case 'boolean':
      return 'cannot be used on a boolean'
    case 'padded':
      return (text) => text !== null && holds(withoutPadding(text))
    default:
      return (text) => text !== null && holds(text)
  }
}
