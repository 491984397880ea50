import { expect, test } from 'vitest'
import { formatProblems } from '../../../src/config/format-problems.ts'
import { parseConfig } from '../../../src/config/load.ts'

function format(text: string): string {
  return formatProblems(parseConfig(text, 'hookd.yaml', { catalog: null }).problems)
}

test('problems are printed with the place, the line and a caret, and counted', () => {
  const text = `events:
  article.published:
    table: public.article
    on: [insert, updaet]
    whne: { state: { now_eq: PUBLISHED } }
`
  expect(format(text))
    .toBe(`hookd.yaml:4:18  "on" in event "article.published" cannot be "updaet"; did you mean "update"?
  4 |     on: [insert, updaet]
    |                  ^

hookd.yaml:5:5  unknown key "whne" in event "article.published"; did you mean "when"?
  5 |     whne: { state: { now_eq: PUBLISHED } }
    |     ^

2 problems in hookd.yaml`)
})

test('one problem is one problem, and none is nothing', () => {
  expect(format('events: []')).toMatch(/\n\n1 problem in hookd\.yaml$/)
  expect(formatProblems([])).toBe('')
})

test('tabs before the place stay tabs, so that the caret stands below it', () => {
  const problem = { file: 'f', line: 7, column: 5, message: 'm', excerpt: '\ta\tbc' }
  expect(formatProblems([problem]).split('\n').slice(0, 3)).toEqual(['f:7:5  m', '  7 | \ta\tbc', '    | \t \t ^'])
})

test('a long line is cut around the place', () => {
  const problem = { file: 'f', line: 1, column: 501, message: 'm', excerpt: `${'a'.repeat(500)}X${'b'.repeat(500)}` }
  const [, line = '', caret = ''] = formatProblems([problem]).split('\n')
  expect(line.length).toBeLessThan(120)
  expect(line[caret.indexOf('^')]).toBe('X')
})

test.each([
  ['a short secret', 'events: { a: { manual: true, subscribers: [{ url: "https://a.example", secret: HUSH }] } }'],
  [
    'a misspelt secret',
    'events:\n  a:\n    manual: true\n    subscribers:\n      - url: "https://a.example"\n        secrte: HUSH\n',
  ],
  ['a URL with a password', 'events: { a: { manual: true, subscribers: ["https://u:HUSH@a.example/"] } }'],
  ['a URL with a token', 'events: { a: { manual: true, subscribers: ["ftp://a.example/?key=HUSH"] } }'],
  ['a header that is no template', 'events: { a: { manual: true, headers: { X-Key: "HUSH {" } } }'],
  ['a header with a bad value', 'events: { a: { manual: true, headers: { X-Key: "HUSH\\n" } } }'],
  ['a header that is reserved', 'events: { a: { manual: true, headers: { Cookie: HUSH } } }'],
  ['an aliased subscriber', 'events: { a: { manual: true, label: &s "ftp://HUSH/", subscribers: [*s] } }'],
  ['an open quote', 'events: { a: { manual: true, subscribers: [{ secret: "HUSH }] } }'],
  ['an open bracket', 'events:\n  a:\n    subscribers: [{ secret: HUSH }\n    b: { api_key: HUSH }\n'],
  ['a section of another program', 'auth_token: HUSH\nevents: { a: { manual: true } }'],
])('no secret is printed: %s', (_, text) => {
  const printed = format(text)
  expect(printed).toMatch(/hookd\.yaml:\d+:\d+ {2}/)
  expect(printed).not.toContain('HUSH')
})
