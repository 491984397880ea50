import { parseRetry } from '../config/retry.ts'
import { headerProblem } from '../delivery/headers.ts'
import { judgeUrl } from '../delivery/recipients.ts'
import { secretProblem } from '../delivery/secret.ts'
import { compileCondition } from '../matching/condition.ts'
import type { EventDefinition, RecipientPolicy, RetryPolicy } from '../matching/event.ts'
import { compilePattern } from '../matching/pattern.ts'
import type { DirectoryRules } from '../subscriptions/directory.ts'
import { parseInterval } from '../subscriptions/interval.ts'
import type { SubscriberRules } from '../subscriptions/parse-subscriber.ts'
import type { JsonValue } from '../values/json.ts'
import { parseJson } from '../values/json.ts'
import type { LiveConfig } from './live-config.ts'

/** Each event has a policy of its own; what even this one refuses is wrong for all of them. */
const ANY_RECIPIENT: RecipientPolicy = {
  schemes: ['http', 'https'],
  ports: 'any',
  blockInternal: false,
  allowCidrs: [],
  blockCidrs: [],
}

/** How the directory reads patterns and filters. */
export function directoryRules(config: LiveConfig): DirectoryRules {
  return {
    compilePattern(pattern) {
      const { value } = compilePattern(pattern)
      return value === null ? null : (name) => value.matches(name)
    },
    compileFilter(filter, definition) {
      if (filter === null) return { predicate: null, problem: null }
      const { predicate, problems } = compileCondition(filter, scopeOf(definition, config))
      const sentences = problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
      if (sentences.length === 0) return { predicate, problem: null }
      return {
        predicate: null,
        problem: `the filter does not fit event "${definition.declaredName}": ${sentences.join('; ')}`,
      }
    },
  }
}

/** How a row of `hookd.subscribers` is read. `globalRetry` is what `{"max": n}` counts on. */
export function subscriberRules(globalRetry: () => RetryPolicy): SubscriberRules {
  return {
    parseJson,
    parseRetry(value) {
      const { retry, problems } = parseRetry(value as JsonValue, globalRetry())
      if (retry === null) throw new Error(`retry: ${problems[0]?.message ?? 'cannot be read'}`)
      return retry
    },
    parseInterval,
    eventProblem(pattern) {
      const { problem } = compilePattern(pattern)
      return problem === null ? null : `event ${problem}`
    },
    urlProblem(url) {
      const verdict = judgeUrl(url, ANY_RECIPIENT)
      return verdict.kind === 'refused' ? verdict.reason : null
    },
    headerProblem,
    secretProblem,
  }
}

function scopeOf(definition: EventDefinition, config: LiveConfig) {
  const { catalog } = config
  const table = definition.table === null ? null : (config.table(definition.table) ?? null)
  const types = (oid: number) => catalog.types.get(oid)
  return { table, types, operations: definition.operations, allowOld: definition.table !== null }
}
