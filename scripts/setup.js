/**
 * Makes a checkout ready to run: packages as in the lockfile, the pinned Node, and with --postgres the server that the
 * tests need. Says nothing where nothing is to be done.
 *
 *     node scripts/setup.js [--postgres [--require]]
 *
 * Runs on any Node from 18 on and without a single package, because it is what installs them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const node = join(root, 'node_modules', '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')

if (!packagesMatchLockfile() || nodeVersion() !== pinnedNode()) {
  console.log('setup: installing the npm packages of package-lock.json (npm ci)')
  installPackages()
}
if (nodeVersion() !== pinnedNode()) {
  fail(
    `node_modules/.bin/node is ${nodeVersion() ?? 'missing'} instead of ${pinnedNode()}: the package "node" could not ` +
      'run its install script. Allow it ("npm config set ignore-scripts false") and run "npm ci".',
  )
}
if (process.argv.includes('--postgres')) checkPostgres()

/** Compares the lockfile with the record that npm keeps of what it installed. Platform packages may be absent. */
function packagesMatchLockfile() {
  const wanted = readJson('package-lock.json')
  const installed = readJson('node_modules/.package-lock.json')
  if (!installed) return false
  return Object.entries(wanted.packages).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true
    const found = installed.packages[path]
    return found ? found.version === version && found.integrity === integrity : optional === true
  })
}

function installPackages() {
  const options = ['ci', '--loglevel=error', '--no-progress']
  const { status, stdout, stderr } = run('npm', options)
  if (status !== 0) fail(`npm ci failed:\n${stdout}${stderr}`)
}

function nodeVersion() {
  const { status, stdout } = run(node, ['--version'])
  return status === 0 ? stdout.trim().replace(/^v/, '') : null
}

function pinnedNode() {
  return readJson('package.json').devDependencies.node
}

/** The search is TypeScript that the tests use too, so the pinned Node runs it. */
function checkPostgres() {
  const { status } = spawnSync(node, [join(root, 'scripts', 'postgres.ts')], { cwd: root, stdio: 'inherit' })
  const required = process.env['CI'] === 'true' || process.argv.includes('--require')
  if (status !== 0 && required) process.exitCode = 1
}

function run(program, args) {
  const shell = process.platform === 'win32'
  return spawnSync(program, args, { cwd: root, encoding: 'utf8', shell, maxBuffer: 64 * 1024 * 1024 })
}

function readJson(name) {
  const path = join(root, name)
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

function fail(message) {
  console.error(`setup: ${message}`)
  process.exit(1)
}
