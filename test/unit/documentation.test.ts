import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { describe, expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { parseConfig } from '../../src/config/load.ts'
import { OPTIONS, type OptionSpec } from '../../src/config/option-table.ts'
import { SETTING_KEYS } from '../../src/config/settings.ts'
import { deliveryHeaders } from '../../src/delivery/delivery-headers.ts'
import { OPERATORS } from '../../src/matching/operators.ts'
import { EMPTY } from '../../src/subscriptions/parse-subscriber.ts'
import { type Gauges, Metrics } from '../../src/telemetry/metrics.ts'
import { anchors, codeBlocks, codes, localLinks, tableOf, tables } from '../support/markdown.ts'

const ROOT = new URL('../../', import.meta.url)
const PAGES = ['architecture', 'conditions', 'configuration', 'delivery', 'operations'].map((name) => `docs/${name}.md`)
const ALL = ['README.md', 'CHANGELOG.md', ...PAGES]

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

const README = read('README.md')

describe('the tables of the README', () => {
  test('list every option of hookd run as the program has it', () => {
    const { rows } = tableOf(README, 'option', 'environment')
    expect(rows).toEqual(
      Object.values(OPTIONS).map((option: OptionSpec) => [
        `\`${option.flag}${option.argument === null ? '' : ` ${option.argument}`}\``,
        option.env.map((name) => `\`${name}\``).join(', '),
        option.default === null ? (option.defaultNote ?? '') : `\`${option.default}\``,
        option.description,
      ]),
    )
  })

  test('list every command with its summary', () => {
    const { rows } = tableOf(README, 'command')
    expect(rows).toEqual(createProgram().commands.map((command) => [`\`hookd ${command.name()}\``, command.summary()]))
  })

  test('list every operator of conditions', () => {
    const known = [...OPERATORS.keys(), 'any', 'changed'].toSorted()
    expect(firstCodes(tableOf(README, 'operator')).toSorted()).toEqual(known)
    const detailed = tables(read('docs/conditions.md')).filter(({ heading }) => heading[0] === 'operator')
    const names = detailed.flatMap(firstCodes).map((code) => code.replace(/:.*/, ''))
    expect(names.toSorted()).toEqual(known)
  })

  test('list the headers of a request in the order in which they are sent', () => {
    const facts = {
      event: 'a.b',
      messageId: 'msg_1',
      deliveryId: '1',
      body: Buffer.from('{}'),
      now: 0,
      userAgent: 'hookd/0',
      eventHeaders: [],
    }
    const sent = deliveryHeaders(facts, { ...EMPTY, secret: 'at least sixteen characters' })
    const names = sent.filter((_, at) => at % 2 === 0)
    expect(firstCodes(tableOf(README, 'header'))).toEqual(names)
  })

  test('list the columns of hookd.subscribers', () => {
    const schema = read('test/pg/schema.snapshot.sql')
    const columns = [...schema.matchAll(/^subscribers\.(\w+) /gm)].map(([, name = '']) => name)
    expect(columns).toContain('hmac_secret')
    expect(firstCodes(tableOf(README, 'column', 'default')).toSorted()).toEqual(columns.toSorted())
  })

  test('list the envelopes that a subscriber may have', () => {
    const [, choices = ''] = /choice_problem\('envelope', new\.envelope, '\{(.*)\}'/.exec(read(VALIDATION)) ?? []
    expect(firstCodes(tableOf(README, 'envelope'))).toEqual(choices.split(','))
    expect(firstCodes(tableOf(read('docs/delivery.md'), 'envelope'))).toEqual(choices.split(','))
  })
})

const VALIDATION = 'migrations/0007_envelopes.sql'

describe('docs/configuration.md', () => {
  const page = read('docs/configuration.md')
  const documented = tableOf(page, 'key', 'default', 'in `tables` too')

  test('has every key that tables and events share, and says so', () => {
    const shared = firstCodes({ rows: documented.rows.filter(([, , inTables]) => inTables === 'yes') })
    expect(shared.toSorted()).toEqual([...SETTING_KEYS].toSorted())
  })

  test.each([
    { section: 'events', keys: firstCodes(documented), isOfEvent: true },
    { section: 'delivery', keys: keysUnder(page, 'delivery'), isOfEvent: false },
    { section: 'recipients', keys: keysUnder(page, 'recipients'), isOfEvent: false },
  ])('has no key in $section that the program does not know', ({ section, keys, isOfEvent }) => {
    const fields = `{ ${keys.map((key) => `${key}: 1`).join(', ')} }`
    const text = `${section}: ${isOfEvent ? `{ an.event: ${fields} }` : fields}\n`
    const { problems } = parseConfig(text, 'hookd.yaml', { catalog: null })
    expect(problems).not.toEqual([])
    expect(problems.filter(({ message }) => message.startsWith('unknown key'))).toEqual([])
  })
})

test('docs/operations.md lists the metrics as the program describes them', () => {
  const { registry } = new Metrics({} as Gauges) // they are read when somebody asks for values
  const described = (registry.getMetricsAsArray() as unknown as Described[]).map(({ name, help, type, labelNames }) => {
    return [`\`${name}\``, type, labelNames.map((label) => `\`${label}\``).join(', '), help]
  })
  expect(tableOf(read('docs/operations.md'), 'metric').rows).toEqual(described)
})

test('docs/operations.md explains codes that the program has', () => {
  const source = globSync('src/**/*.ts', { cwd: ROOT }).map(read).join('\n')
  const explained = firstCodes(tableOf(read('docs/operations.md'), 'code'))
  expect(explained).toContain('HOOKD_SLOT_LOST')
  expect(explained.filter((code) => !source.includes(`'${code}'`))).toEqual([])
})

test('docs/architecture.md names files that are there', () => {
  const paths = globSync('{src,test}/**/*.{ts,sql}', { cwd: ROOT }).map((path) => `/${path.replaceAll('\\', '/')}`)
  const named = codes(read('docs/architecture.md').replace(/^```[\s\S]*?^```$/gm, '')).filter((code) =>
    /^[\w/-]+\.ts$/.test(code),
  )
  expect(named).toContain('replication/confirm-rule.ts')
  expect(named.filter((file) => !paths.some((path) => path.endsWith(`/${file}`)))).toEqual([])
})

describe.each(ALL)('%s', (path) => {
  const page = read(path)

  test('has YAML that hookd takes: whole files, and parts of an event', () => {
    for (const { language, text, line } of codeBlocks(page)) {
      if (language !== 'yaml') continue
      const whole = text.startsWith('# hookd.yaml\n') ? text : asEvent(text)
      const { problems } = parseConfig(whole, `${path} at line ${line}`, { catalog: null })
      expect(problems).toEqual([])
    }
  })

  test('links to files and headings that are there', () => {
    const broken = localLinks(page).filter((link) => {
      const [file = '', anchor] = link.split('#')
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(new URL(target, ROOT))) return true
      return anchor !== undefined && !anchors(read(target)).includes(anchor)
    })
    expect(broken).toEqual([])
  })
})

/** What the registry tells of a metric, beyond its types. */
interface Described {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly labelNames: readonly string[]
}

/** The words in backticks in the first column. */
function firstCodes({ rows }: { readonly rows: readonly (readonly string[])[] }): string[] {
  return rows.flatMap(([first = '']) => codes(first))
}

/** The keys in the table under a heading of the second level. */
function keysUnder(page: string, heading: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`)
  return firstCodes(tables(section)[0] ?? { rows: [] })
}

/** Part of an event, such as `when: {…}`, as a file with nothing but that. */
function asEvent(part: string): string {
  const fields = part.replace(/^(?=.)/gm, '    ')
  return `events:\n  an.event:\n    table: public.article\n    on: [insert, update]\n${fields}`
}
