import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { breaches } from '../support/architecture.ts'

const ROOT = new URL('../../', import.meta.url)

test('the source keeps the layout rules', () => {
  const paths = globSync(['{src,test,scripts,bin,bench,chaos}/**/*.{ts,js}'], { cwd: ROOT }).map((path) =>
    path.replaceAll('\\', '/'),
  )
  expect(paths).toContain('src/errors.ts')
  const files = paths.map((path) => ({ path, text: readFileSync(new URL(path, ROOT), 'utf8') }))
  expect(breaches(files)).toEqual([])
})

test.each([
  ['src/hookd.ts', `import { send } from './delivery/send.ts'`],
  ['src/cli/run.ts', `import { Hookd } from '../hookd.ts'`],
  ['src/delivery/send.ts', `import { request } from 'undici'`],
  ['src/delivery/send.ts', `import type { Change } from '../replication/change.ts'`],
  ['src/matching/condition.ts', `import { compare } from '../values/compare.ts'`],
  ['src/ledger/claim.ts', `import { pool } from '../postgres/pool.ts'`],
  ['src/telemetry/log.ts', `import { HookdError } from '../errors.ts'`],
  ['src/config/options.ts', `export const url = process.env['DATABASE_URL']`],
  ['src/cli/main.ts', `process.exit(1)`],
  ['src/hookd.ts', `process.exitCode = 1`],
  ['src/index.ts', `export { verify } from './delivery/sign.ts'`],
  ['src/delivery/send.ts', `const url = 'https://example.com' // not process.env`],
  ['src/values/types.ts', `export type Oid = number`],
])('%s may say: %s', (path, text) => {
  expect(breaches([{ path, text }])).toEqual([])
})

test.each([
  ['src/delivery/send.ts', `import { Hookd } from '../hookd.ts'`, 'above'],
  ['src/errors.ts', `import { parseLsn } from './replication/lsn.ts'`, 'above'],
  ['src/postgres/pool.ts', `import { log } from '../telemetry/log.ts'`, 'not a shape'],
  ['src/postgres/pool.ts', `import type { Change } from '../replication/change.ts'`, 'above'],
  ['src/values/json.ts', `import type { TableShape } from '../postgres/catalog.ts'`, 'above'],
  ['src/matching/match.ts', `import {\n  decode,\n  read,\n} from '../replication/decode.ts'`, 'not a shape'],
  ['src/matching/match.ts', `const { decode } = await import('../replication/decode.ts')`, 'not a shape'],
  ['src/matching/match.ts', `import '../replication/decode.ts'`, 'not a shape'],
  ['src/matching/match.ts', `import { order } from './order.js'`, '.ts suffix'],
  ['src/matching/match.ts', `import { aRow } from '../../test/support/rows.ts'`, 'outside src'],
  ['src/ledger/claim.ts', `import { fetch } from 'undici'`, 'belongs to delivery'],
  ['src/delivery/lane.ts', `import { sql } from 'kysely/helpers/postgres'`, 'belongs to postgres'],
  ['src/delivery/lane.ts', `import { z } from '@acme/zed/deep'`, '@acme/zed, which has no owner'],
  ['src/delivery/lane.ts', `export * from './fifo.ts'`, 're-exports'],
  ['src/delivery/lane.ts', `export type { Fifo } from './fifo.ts'`, 're-exports'],
  ['src/delivery/lane.ts', `const agent = 'https://x' + process.env.AGENT`, 'process.env'],
  ['src/delivery/lane.ts', `const { env } = process`, 'process.env'],
  ['src/delivery/lane.ts', `import { env } from 'node:process'`, 'node:process'],
  ['src/delivery/lane.ts', `process.exit(1)`, 'process.exit'],
  ['src/jobs/run.ts', `export const run = 1`, 'has no layer'],
  ['src/delivery/utils.ts', `export const a = 1`, 'names no concept'],
  ['src/helpers/send.ts', `export const a = 1`, 'names no concept'],
  ['src/delivery/lane-manager.ts', `export const a = 1`, 'names no concept'],
  ['test/unit/common.ts', `export const a = 1`, 'names no concept'],
])('%s may not say: %s', (path, text, reason) => {
  const found = breaches([{ path, text }])
  expect(found.filter((breach) => breach.includes(reason))).toHaveLength(1)
})

test('a file has at most 400 lines', () => {
  const path = 'src/delivery/lane.ts'
  expect(breaches([{ path, text: '\n'.repeat(400) }])).toEqual([])
  expect(breaches([{ path, text: '\n'.repeat(401) }])).toEqual([`${path}: has 401 lines; split it before 400`])
})
