import type { DataSelection, Envelope, RecipientPolicy, RetryPolicy } from '../matching/event.ts'
import type { Template } from '../matching/template.ts'
import type { ColumnCheck } from './columns.ts'
import { columnName, dataSelection } from './data-selection.ts'
import { TIMEOUT_LIMITS } from './delivery-settings.ts'
import { choice, choices, duration, flag } from './fields.ts'
import type { Field } from './fields.ts'
import { readHeaders } from './event-headers.ts'
import type { EventHeaders } from './event-headers.ts'
import { readRecipients } from './recipients.ts'
import { readRequestData } from './request-data.ts'
import { retry } from './retry-field.ts'
import { readEndpoints } from './static-subscribers.ts'
import type { Endpoint } from './static-subscribers.ts'
import { ROW_AND_CONFIG, template } from './templates.ts'

/** What an event may say itself, or leave to its table's entry under `tables`. */
export interface Settings {
  readonly ref: Template | null
  readonly sender: string | null
  readonly owner: string | null
  readonly broadcast: boolean
  readonly skipNoop: boolean
  readonly data: DataSelection
  readonly include: readonly ('old' | 'changed')[]
  readonly headers: EventHeaders
  /** JSON text by key. */
  readonly requestData: ReadonlyMap<string, string>
  readonly envelope: Envelope | null
  readonly endpoints: readonly Endpoint[]
  /** Null: the value of the `delivery` section. */
  readonly timeoutMs: number | null
  readonly retry: RetryPolicy | null
  readonly recipients: Partial<RecipientPolicy>
  readonly keepAlive: boolean
}

const DEFAULT_SETTINGS: Settings = {
  ref: null,
  sender: null,
  owner: null,
  broadcast: false,
  skipNoop: false,
  data: { kind: 'all' },
  include: [],
  headers: new Map(),
  requestData: new Map(),
  envelope: null,
  endpoints: [],
  timeoutMs: null,
  retry: null,
  recipients: {},
  keepAlive: true,
}

export const SETTING_KEYS = [
  'ref',
  'sender',
  'owner',
  'broadcast',
  'skip_noop',
  'data',
  'include',
  'headers',
  'request_data',
  'envelope',
  'subscribers',
  'timeout',
  'retry',
  'recipients',
  'keepalive',
] as const

const INCLUDED = ['old', 'changed'] as const
const ENVELOPES = ['hookd', 'thorn', 'resthooks', 'flat', 'raw', 'standard', 'cloudevents'] as const

export interface SettingsContext {
  /** For the columns that templates, `sender`, `owner` and `data` name. */
  readonly check: ColumnCheck
  /** What `{max: n}` counts on where no schedule stands beside it. */
  readonly inheritedRetry: RetryPolicy
}

/**
 * Reads the settings among the fields of a table or an event. What they do not say is absent; an empty value takes the
 * inherited one back to the default.
 */
export function readSettings(fields: ReadonlyMap<string, Field>, context: SettingsContext): Partial<Settings> {
  const { check, inheritedRetry } = context
  const settings: { -readonly [K in keyof Settings]?: Settings[K] } = {}
  const read = <K extends keyof Settings>(key: string, name: K, reader: (field: Field) => Settings[K] | null): void => {
    const field = fields.get(key)
    if (field === undefined) return
    const value = field.node.kind === 'null' ? DEFAULT_SETTINGS[name] : reader(field)
    if (value !== null || field.node.kind === 'null') settings[name] = value as Settings[K]
  }
  read('ref', 'ref', (field) => template(field, { check, allow: ROW_AND_CONFIG }))
  read('sender', 'sender', (field) => columnName(field, check))
  read('owner', 'owner', (field) => columnName(field, check))
  read('broadcast', 'broadcast', flag)
  read('skip_noop', 'skipNoop', flag)
  read('data', 'data', (field) => dataSelection(field, check))
  read('include', 'include', (field) => choices(field, INCLUDED))
  read('headers', 'headers', (field) => readHeaders(field, check))
  read('request_data', 'requestData', readRequestData)
  read('envelope', 'envelope', (field) => choice(field, ENVELOPES))
  read('subscribers', 'endpoints', readEndpoints)
  read('timeout', 'timeoutMs', (field) => duration(field, TIMEOUT_LIMITS))
  read('retry', 'retry', (field) => retry(field, inheritedRetry))
  read('recipients', 'recipients', readRecipients)
  read('keepalive', 'keepAlive', flag)
  return settings
}

/** What a truncate can inherit: there is no row to fill a template, a sender or the data from. */
export function withoutRow(settings: Partial<Settings>): Partial<Settings> {
  const { ref: _ref, sender: _sender, data: _data, include: _include, skipNoop: _skipNoop, headers, ...rest } = settings
  if (headers === undefined) return rest
  const fixed = [...headers].filter(
    ([
      ,
      {
        template: { parts },
      },
    ]) => parts.every(({ kind }) => kind === 'text'),
  )
  return { ...rest, headers: new Map(fixed) }
}

/**
 * An event's settings over its table's: `headers`, `request_data` and `recipients` key by key, all else as a whole.
 * What the event has reset stays reset.
 */
export function mergeSettings(table: Partial<Settings>, event: Partial<Settings>): Settings {
  const merged = { ...DEFAULT_SETTINGS, ...table, ...event }
  return {
    ...merged,
    headers: joined(table.headers, merged.headers, DEFAULT_SETTINGS.headers),
    requestData: joined(table.requestData, merged.requestData, DEFAULT_SETTINGS.requestData),
    recipients: event.recipients === DEFAULT_SETTINGS.recipients ? {} : { ...table.recipients, ...event.recipients },
  }
}

function joined<V>(
  inherited: ReadonlyMap<string, V> | undefined,
  own: ReadonlyMap<string, V>,
  reset: ReadonlyMap<string, V>,
) {
  return own === reset ? reset : new Map([...(inherited ?? []), ...own])
}
