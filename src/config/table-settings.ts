import type { RetryPolicy } from '../matching/event.ts'
import type { Catalog } from '../postgres/catalog.ts'
import { columnCheck } from './columns.ts'
import { fieldsOf, mapping } from './fields.ts'
import type { Field } from './fields.ts'
import { SETTING_KEYS, readSettings } from './settings.ts'
import type { Settings } from './settings.ts'
import { findTable } from './tables.ts'
import { describeNode } from './yaml-node.ts'

/** Reads `tables`: settings for every event of a table, by unquoted `schema.table`. */
export function readTables(
  section: Field,
  catalog: Catalog | null,
  inheritedRetry: RetryPolicy,
): Map<string, Partial<Settings>> {
  const { problems } = section
  const found = new Map<string, Partial<Settings>>()
  for (const { key, at, value } of mapping(section)?.entries ?? []) {
    const table = findTable(key, catalog)
    if (typeof table === 'string') problems.report(at, `"tables": ${table}`)
    const where = `table "${key}"`
    if (value.kind !== 'map') {
      const state = value.kind === 'null' ? 'is empty' : `is ${describeNode(value)}`
      problems.report(at, `${where} ${state}; write a mapping of settings such as {sender: author_id}`)
      continue
    }
    const fields = fieldsOf(value, { where, keys: SETTING_KEYS, problems })
    const check = columnCheck(typeof table === 'string' ? null : table.catalog, catalog)
    const settings = readSettings(fields, { check, inheritedRetry })
    if (typeof table === 'string') continue
    if (found.has(table.name)) problems.report(at, `"tables": "${key}" is "${table.name}", which has an entry already`)
    else found.set(table.name, settings)
  }
  return found
}
