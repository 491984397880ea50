import type { RetryPolicy } from '../matching/event.ts'
import type { Field } from './fields.ts'
import { jsonValue } from './json-value.ts'
import { parseRetry } from './retry.ts'
import { locate } from './yaml-node.ts'

/** Reads `retry`; see `parseRetry`. */
export function retry(field: Field, inherited: RetryPolicy): RetryPolicy | null {
  const { node, problems, where } = field
  const result = parseRetry(jsonValue(node), inherited)
  for (const { path, message } of result.problems) {
    const key = path.length === 0 ? 'retry' : `retry.${path.join('.')}`
    problems.report(locate(node, path), `"${key}" in ${where}: ${message}`)
  }
  return result.retry
}
