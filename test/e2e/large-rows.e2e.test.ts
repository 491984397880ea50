import { describe, expect, test } from 'vitest'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage } from '../support/stage.ts'
import { waitFor } from '../support/wait.ts'

const SQL = `
  create table document (id int primary key, body text, raw bytea, note text);
  alter table document alter body set storage external, alter raw set storage external;
  alter table document replica identity full`

const YAML = `events:
  document.written: { table: public.document, on: [insert, update, delete] }
  document.noted: { table: public.document, on: [insert, update, delete], data: [id, note], ref: 'https://a.example/{id}' }
`

const LIMIT_MIB = 300

describe.each(SERVER_KINDS)('rows of 30 MB, %s', (kind) => {
  test('are dead letters that name table, key and LSN; what does not need the large values goes out', async () => {
    const stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: YAML })
    const hookd = await stage.start({ args: ['--listen', '127.0.0.1:0'] })
    const [, telemetry] = await hookd.waitForOutput(/"?telemetryUrl"?[=:]"?(http:[^\s"]+)/)
    const endpoint = stage.open()
    const id = await stage.subscribe(endpoint.url, { event: 'document.*', ordering: 'subscriber' })

    for (const sql of [
      `insert into document values (1, repeat('x', 30000000) || E'\\x01"é', '\\x', 'text')`,
      `insert into document values (2, repeat(E'\\x01', 1048577), '\\x', 'escapes')`,
      `insert into document values (3, '', convert_to(repeat('x', 1048576), 'UTF8'), 'bytes')`,
      `update document set note = 'new ' || note`,
      'delete from document where id = 1',
      `insert into document values (4, 'x', '\\x00', 'small')`,
    ]) {
      await stage.database.query(sql)
    }
    let peakMiB = 0
    await waitFor(
      async () => {
        const metrics = await (await fetch(`${telemetry}/metrics`)).text()
        const [, bytes] = /^hookd_resident_memory_bytes (\S+)$/m.exec(metrics) ?? []
        peakMiB = Math.max(peakMiB, Number(bytes) / 1024 / 1024)
        return endpoint.requests.length === 9
      },
      { what: 'all that can be sent', timeoutMs: 30_000 },
    )
    await stage.settled()

    expect(endpoint.bodies().map(({ event, data, meta }) => [event, data.id, data.note, meta.op])).toEqual([
      ['document.noted', 1, 'text', 'insert'],
      ['document.noted', 2, 'escapes', 'insert'],
      ['document.noted', 3, 'bytes', 'insert'],
      ['document.noted', 1, 'new text', 'update'],
      ['document.noted', 2, 'new escapes', 'update'],
      ['document.noted', 3, 'new bytes', 'update'],
      ['document.noted', 1, 'new text', 'delete'],
      ['document.noted', 4, 'small', 'insert'],
      ['document.written', 4, 'small', 'insert'],
    ])
    const dead = await stage.deliveries(id)
    const rows = [
      [1, 'body'],
      [2, 'body'],
      [3, 'raw'],
    ]
    expect(dead.map(({ state, attempts, last_error }) => [state, attempts, last_error])).toEqual(
      [...rows, ...rows, rows[0]!].map(([key, column], at) => [
        'dead',
        0,
        `unreadable_value: column "${column}" of public.document exceeds the limit of 1048576 bytes for a value; ` +
          `row {"id":${key}} of public.document at ${endpoint.bodies()[at].meta.lsn}`,
      ]),
    )
    expect(peakMiB).toBeLessThan(LIMIT_MIB)
  })
})
