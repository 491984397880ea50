import type pg from 'pg'
import type { HookdConfig } from '../../config/load.ts'
import type { Options } from '../../config/option-table.ts'
import { requireDatabaseUrl } from '../../config/options.ts'
import { LiveConfig } from '../../daemon/live-config.ts'
import { publishedTables } from '../../daemon/prepare.ts'
import { HookdError } from '../../errors.ts'
import type { Catalog } from '../../postgres/catalog.ts'
import { failing, type Finding } from '../../postgres/finding.ts'
import { judgeTables } from '../../postgres/judge-tables.ts'
import { loadCatalog } from '../../postgres/load-catalog.ts'
import { preflight, type Preflight } from '../../postgres/preflight.ts'
import { withDatabase } from '../database.ts'
import { type CheckedFile, checkFile } from './file.ts'
import { checkPublication } from './publication.ts'
import { checkSlot } from './slot.ts'

/** Checks the server, the role, the slot, the publication and the tables, and the file against the catalog. */
export async function checkDatabase(options: Options): Promise<{ findings: Finding[]; file: CheckedFile }> {
  try {
    return await withDatabase(options, (client) => checkConnected(client, options))
  } catch (error) {
    if (!(error instanceof HookdError)) throw error
    const unreachable = failing(error.code as Finding['code'], error.message, null)
    return { findings: [unreachable], file: await checkFile(options.config, null) }
  }
}

async function checkConnected(
  client: pg.Client,
  options: Options,
): Promise<{ findings: Finding[]; file: CheckedFile }> {
  const before = await preflight(client, { ...options, databaseUrl: requireDatabaseUrl(options) })
  const catalog = await loadCatalog(client)
  const file = await checkFile(options.config, catalog)
  const findings = [
    ...before.findings,
    ...(await checkSlot(client, options, before)),
    ...(file.config === null ? [] : await checkTables(client, options, { before, catalog, config: file.config })),
  ]
  return { findings, file }
}

async function checkTables(
  client: pg.Client,
  { publication }: Options,
  { before, catalog, config }: { before: Preflight; catalog: Catalog; config: HookdConfig },
): Promise<Finding[]> {
  const { plugin, facts } = before
  const identity = judgeTables(config.tables, catalog, plugin ?? 'wal2json')
  if (plugin !== 'pgoutput') return identity
  const wanted = publishedTables(new LiveConfig(config, catalog))
  return [
    ...identity,
    ...(await checkPublication(client, publication, { wanted, role: facts.role, serverVersion: facts.version })),
  ]
}
