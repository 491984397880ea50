import type { Catalog, CatalogColumn, CatalogTable } from '../postgres/catalog.ts'
import { oldRowsOf } from './old-rows.ts'
import { formatTableName, sqlTableName } from './table-name.ts'
import { tableProblem } from './tables.ts'

/**
 * The hookd.yaml that `hookd init` writes: created, changed and removed events for every table, and examples to learn
 * from. `parseConfig` accepts it under the same catalog.
 *
 * `## ` starts an explanation and `# ` an example, which also holds once the `# ` is gone (and the table's whole old row
 * is known).
 */
export function sampleConfig(catalog: Catalog): string {
  const tables = [...catalog.tables.values()]
    .filter((table) => table.schema !== 'hookd' && tableProblem(table) === null)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const names = eventPrefixes(tables)
  const events = tables.map((table) => tableEvents(table, names.get(table) ?? '', catalog))
  const example = tables.find((table) => usable(table).length > 1)
  const blocks = [
    HEAD,
    ['events:', ...(tables.length === 0 ? [NO_TABLES] : events)].join('\n'),
    ...(example === undefined ? [] : [examples(example, names.get(example) ?? '')]),
    TAIL,
  ]
  return `${blocks.join('\n\n')}\n`
}

const HEAD = `## What hookd sends, and when: each event names a table and what happens to its rows.
## After a change: "hookd check" reads this file against the database, and SIGHUP makes a running hookd load it.
##
## Who receives it are rows in the database:
##   insert into hookd.subscribers (event, url) values ('*', 'https://example.com/hook');`

const NO_TABLES = `  ## The database has no tables yet. This event is sent from SQL: select hookd.emit('app.started', '{}');
  app.started: { manual: true }`

const TAIL = `## How everything is sent, with the defaults.
# delivery:
#   timeout: 15s
#   retry: { schedule: [5s, 1m, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h] }
#   delivery_log: failures

## Where to. To try hookd on this machine: { block_internal: false, ports: any }
# recipients: { schemes: [http, https], ports: [80, 443], block_internal: true }`

function tableEvents(table: CatalogTable, name: string, catalog: Catalog): string {
  const target = yamlText(formatTableName(table.schema, table.table))
  const [created, changed, removed] = [
    `${name}.created: { table: ${target}, on: insert }`,
    `${name}.changed: { table: ${target}, on: update }`,
    `${name}.removed: { table: ${target}, on: delete }`,
  ]
  const { invisible, fix } = oldRowsOf(table, catalog)
  if (invisible === null) return [created, changed, removed].map((line) => `  ${line}`).join('\n')
  const reason = `  ## Postgres does not send its updates and deletes, because ${invisible}: ${fix}`
  return [`  ${created}`, reason, `  # ${changed}`, `  # ${removed}`].join('\n')
}

function examples(table: CatalogTable, name: string): string {
  const target = yamlText(formatTableName(table.schema, table.table))
  const columns = usable(table)
  const key = columns.find((column) => table.key.includes(column.name)) ?? columns[0]
  const others = columns.filter((column) => column !== key)
  const state = others.find((column) => /^(state|status)$/.test(column.name)) ?? others.find(isText)
  const owner = others.find((column) => column.name.endsWith('_id')) ?? others[0]
  const when =
    state !== undefined && isText(state)
      ? `when: { ${yamlText(state.name)}: { now_eq: PUBLISHED } }`
      : `changed: [${yamlText(others[0]?.name ?? '')}]`
  return `  ## Only some changes. "now_" means: became true by this change. What compares with the row before needs
  ##   ALTER TABLE ${sqlTableName(table)} REPLICA IDENTITY FULL;
  # ${name}.published:
  #   table: ${target}
  #   on: [insert, update]
  #   ${when}

  ## Only some columns, with a link to the row; and only to subscribers whose "owner" is the value of this column.
  # ${name}.announced:
  #   table: ${target}
  #   on: insert
  #   data: [${[key, owner].map((column) => yamlText(column?.name ?? '')).join(', ')}]
  #   ref: ${JSON.stringify(`https://example.com/${name}/{${templateName(key?.name ?? '')}}`)}
  #   owner: ${yamlText(owner?.name ?? '')}`
}

/** An event prefix for each table: its name, with the schema where two tables share the name. */
function eventPrefixes(tables: readonly CatalogTable[]): Map<CatalogTable, string> {
  const taken = new Set<string>()
  const prefixes = new Map<CatalogTable, string>()
  for (const table of tables) {
    const shared = tables.some((other) => other !== table && other.table === table.table)
    const segments = shared && table.schema !== 'public' ? [table.schema, table.table] : [table.table]
    const wanted = segments.map((segment) => segment.replace(/[^A-Za-z0-9_-]/g, '_')).join('.')
    let prefix = wanted
    for (let count = 2; taken.has(prefix); count += 1) prefix = `${wanted}_${count}`
    taken.add(prefix)
    prefixes.set(table, prefix)
  }
  return prefixes
}

function usable(table: CatalogTable): readonly CatalogColumn[] {
  return table.columns.filter(({ generated }) => !generated)
}

function isText({ typeName }: CatalogColumn): boolean {
  return /^(text|character varying)/.test(typeName)
}

function templateName(column: string): string {
  return /^[A-Za-z0-9_]+$/.test(column) ? column : `"${column.replaceAll('"', '""')}"`
}

function yamlText(text: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(text) && !/^(true|false|null)$/i.test(text) ? text : JSON.stringify(text)
}
