import type { Operation } from '../replication/change.ts'
import type { Template } from '../matching/template.ts'
import type { OldRows } from './old-rows.ts'
import type { Settings } from './settings.ts'

/** A value that an event takes from a row, and the key of hookd.yaml that asks for it. */
interface RowNeed {
  readonly key: string
  readonly from: 'row' | 'new' | 'old' | 'config'
  /** The column, or the key of the subscriber's config. */
  readonly column: string
}

/** What the changes of an event hold. */
export interface RowSupply {
  /** Empty for a manual event. */
  readonly operations: ReadonlySet<Operation>
  /** Null where it is not known what old rows hold. */
  readonly oldRows: OldRows | null
}

/** A key whose values are never there, and why, with the fix. */
export interface Shortage {
  readonly key: string
  readonly message: string
}

/** The templates and columns of an event that no change of it could fill; each message would fail. */
export function shortages(settings: Settings, name: Template | null, supply: RowSupply): Shortage[] {
  const { operations } = supply
  const found = rowNeeds(settings, name).flatMap((need): Shortage[] => {
    const message = needProblem(need, supply)
    return message === null ? [] : [{ key: need.key, message }]
  })
  const fix = supply.oldRows?.columns ? supply.oldRows.fix : null
  if (fix !== null && settings.skipNoop && operations.has('update')) {
    found.push({
      key: 'skip_noop',
      message: `needs the old row, which Postgres does not send for this table; run: ${fix}`,
    })
  }
  return found
}

/** What an event asks for and gets in part only. */
export function partialSupplies(settings: Settings, { operations, oldRows }: RowSupply): Shortage[] {
  const known = oldRows?.columns
  if (!oldRows || !known) return []
  const found: Shortage[] = []
  if (settings.include.length > 0 && operations.has('update')) {
    found.push({
      key: 'include',
      message: `old rows of this table hold the key alone; to change that, run: ${oldRows.fix}`,
    })
  }
  const missing = settings.data.kind === 'only' ? settings.data.columns.filter((column) => !known.has(column)) : []
  if (missing.length > 0 && operations.has('delete')) {
    const message = `deleted rows of this table come without ${missing.join(', ')}; to change that, run: ${oldRows.fix}`
    found.push({ key: 'data', message })
  }
  return found
}

function rowNeeds({ ref, sender, owner, data, headers }: Settings, name: Template | null): RowNeed[] {
  return [
    ...(name ? templateNeeds('name', name) : []),
    ...(ref ? templateNeeds('ref', ref) : []),
    ...(sender === null ? [] : [{ key: 'sender', from: 'row' as const, column: sender }]),
    ...(owner === null ? [] : [{ key: 'owner', from: 'row' as const, column: owner }]),
    ...(data.kind === 'templates' ? data.fields.flatMap(({ template }) => templateNeeds('data', template)) : []),
    ...[...headers.values()].flatMap(({ template }) => templateNeeds('headers', template)),
  ]
}

function templateNeeds(key: string, { parts }: Template): RowNeed[] {
  return parts.flatMap((part) => (part.kind === 'text' ? [] : { key, from: part.from, column: part.path[0] ?? '' }))
}

function needProblem({ key, from, column }: RowNeed, { operations, oldRows }: RowSupply): string | null {
  if (from === 'config') return null
  if (operations.has('truncate')) return key === 'name' || key === 'headers' ? 'a truncate has no row' : null
  if (operations.size === 0) return from === 'old' ? `"{old.${column}}": an emitted event has no old row` : null
  if (from === 'old' && operations.has('insert')) {
    return `"{old.${column}}": an inserted row has no old values; give the insert an event of its own`
  }
  if (from === 'new' && operations.has('delete')) {
    return `"{new.${column}}": a deleted row has no new values; write "{${column}}"`
  }
  const readsOld = from === 'old' || (from === 'row' && operations.has('delete'))
  if (!readsOld || !oldRows?.columns || oldRows.columns.has(column)) return null
  return `needs "${column}" of the old row, which Postgres does not send for this table; run: ${oldRows.fix}`
}
