/**
 * Makes sure that PostgreSQL 15 or newer with wal2json is there: installs Debian's packages where that is possible, else
 * says in one sentence what is missing and exits 1. Says nothing where nothing is to be done.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { findBinaries } from '../test/support/binaries.ts'

const MISSING = 'setup: PostgreSQL 15 or newer with wal2json is missing'

const problem = (await findBinaries('pg15')) ? null : await install()
if (problem !== null) {
  console.error(problem)
  process.exitCode = 1
}

/** Gives the sentence that says why it could not be done, or null. */
async function install(): Promise<string | null> {
  if (!existsSync('/etc/debian_version') || !succeeds('apt-get', ['--version'])) {
    return `${MISSING}; install both (wal2json: https://github.com/eulerto/wal2json) and put pg_config into PATH.`
  }
  const isRoot = process.getuid?.() === 0
  if (!isRoot && !succeeds('sudo', ['-n', 'true'])) {
    return `${MISSING}; run "sudo apt-get install postgresql-15 postgresql-15-wal2json" (or the version that you have).`
  }
  console.log('setup: installing PostgreSQL with wal2json (apt-get)')
  const script = fileURLToPath(new URL('install-postgres.sh', import.meta.url))
  const [program, args] = isRoot ? ['sh', [script]] : ['sudo', ['-n', 'sh', script]]
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) return `${MISSING}, and installing it failed:\n${stdout}${stderr}`
  return (await findBinaries('pg15')) ? null : `${MISSING} although its packages are installed: report this as a bug.`
}

function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0
}
