import type pg from 'pg'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadCatalog } from '../../src/postgres/load-catalog.ts'
import { type Change, Unreadable } from '../../src/replication/change.ts'
import { jsonConverter } from '../../src/values/to-json.ts'
import { EXTENSIONS, EXTENSION_TYPES, TYPES, TYPE_DEFINITIONS } from '../support/every-type.ts'
import { createDatabase, type Plugin, SERVER_KINDS, type ServerKind } from '../support/postgres.ts'
import { pinnedSession } from '../support/session.ts'
import { createSlots, decoderOf, readSlotMessages, RecordingSink } from '../support/slot-changes.ts'

const PLUGINS: Readonly<Record<ServerKind, readonly Plugin[]>> = { pg15: ['wal2json', 'pgoutput'], pg18: ['pgoutput'] }

/** JSON text by `type: SQL of the value`. */
type Values = Record<string, string | null>

describe.each(SERVER_KINDS)('on %s', (kind) => {
  const missing: string[] = []
  /** What to_jsonb gives, without the white space. */
  const expected: Values = {}
  const actual = new Map<Plugin, Values>()

  beforeAll(async () => {
    const client = await pinnedSession(await createDatabase(kind))
    const slotOf = (plugin: Plugin) => `every_type_${plugin}_${process.pid}`
    await client.query(TYPE_DEFINITIONS)
    for (const extension of EXTENSIONS) await client.query(`create extension ${extension}`).catch(() => {})
    const labels = new Map<string, string[]>()
    for (const [i, [type, values]] of TYPES.entries()) {
      if (await canUse(client, type, values)) {
        await client.query(`create table t${i} (id int primary key, v ${type})`)
        labels.set(
          `public.t${i}`,
          ['NULL', ...values].map((value) => `${type}: ${value}`),
        )
      } else missing.push(type)
    }
    await createSlots(client, new Map(PLUGINS[kind].map((plugin) => [plugin, slotOf(plugin)])))

    for (const [i, [type, values]] of TYPES.entries()) {
      const names = labels.get(`public.t${i}`)
      if (!names) continue
      const rows = ['NULL', ...values].map((value, id) => `(${id}, (${value})::${type})`)
      await client.query(`insert into t${i} values ${rows.join(', ')}`)
      const { rows: printed } = await client.query<{ json: string | null }>(
        `select to_jsonb(v)::text as json from t${i} order by id`,
      )
      for (const [id, { json }] of printed.entries()) expected[names[id]!] = json && withoutSpace(json)
    }

    const catalog = await loadCatalog(client)
    const toJson = jsonConverter((oid) => catalog.types.get(oid))
    for (const plugin of PLUGINS[kind]) {
      const sink = new RecordingSink()
      const decoder = decoderOf(plugin, sink, catalog)
      for (const { data, lsn } of await readSlotMessages(client, plugin, slotOf(plugin))) decoder.decode(data, lsn)
      actual.set(plugin, Object.fromEntries(sink.changes.map((change) => valueOf(change, labels, toJson))))
    }
  })

  test('the server has every type but for those of extensions and XML', () => {
    expect(EXTENSION_TYPES).toEqual(expect.arrayContaining(missing))
  })

  test.each(PLUGINS[kind])('every value that %s sends becomes what to_jsonb gives, digit for digit', (plugin) => {
    const wanted = plugin === 'wal2json' ? withoutSpecials(expected) : expected

    expect(Object.keys(wanted).length).toBeGreaterThan(300)
    expect(actual.get(plugin)).toEqual(wanted)
  })
})

async function canUse(client: pg.Client, type: string, values: readonly string[]): Promise<boolean> {
  if (!EXTENSION_TYPES.includes(type)) return true
  return client.query(`select ${values.map((value) => `(${value})::${type}`).join(', ')}`).then(
    () => true,
    () => false,
  )
}

/** Independent of the code under test. */
function withoutSpace(json: string): string {
  return json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')
}

/** wal2json prints NaN and the infinities of these types as null, which nothing tells apart from NULL afterwards. */
function withoutSpecials(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([label, json]) => [
      label,
      /^(numeric|numeric\(10,2\)|float4|float8):/.test(label) && json?.startsWith('"') ? null : json,
    ]),
  )
}

function valueOf(
  change: Change,
  labels: ReadonlyMap<string, readonly string[]>,
  toJson: (oid: number) => (text: string) => string,
): [label: string, json: string | null] {
  if (change.kind !== 'row' || !change.new) throw new Error(JSON.stringify({ ...change, transaction: undefined }))
  const { relation, cells } = change.new
  const label = labels.get(relation.name)![Number(cells[0])]!
  const cell = cells[1]
  if (cell === undefined || cell instanceof Unreadable) throw new Error(`${label} is unreadable`)
  return [label, cell === null ? null : toJson(relation.columns[1]!.typeOid)(cell)]
}
