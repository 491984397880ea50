import { expect, test } from 'vitest'
import { maskArguments } from '../../../src/cli/mask.ts'
import { shownUrl } from '../../../src/cli/url-shown.ts'

test.each([
  [
    ['--database-url', 'postgres://app:pa:ss@db:5432/app'],
    ['--database-url', 'postgres://app:***@db:5432/app'],
  ],
  [['--database-url=postgres://app:x@db/app'], ['--database-url=postgres://app:***@db/app']],
  [
    ['--database-url', 'postgres://db/app?user=a&password=x'],
    ['--database-url', 'postgres://db/app?user=a&password=***'],
  ],
  [
    ['sign', '--secret', 'whsec_abc'],
    ['sign', '--secret', '***'],
  ],
  [
    ['sign', '--secret=whsec_abc'],
    ['sign', '--secret=***'],
  ],
])('%j is shown as %j', (args, masked) => {
  expect(maskArguments(args)).toEqual(masked)
})

test.each([
  [['run', '--database-url', 'postgres://app@db:5432/app', '--slot', 'a']],
  [['--database-url=postgres:///app?host=/run/postgresql']],
  [['emit', 'user.logged_in', '{"a":"b:c@d"}']],
])('%j has nothing to mask and stays the same array', (args) => {
  expect(maskArguments(args)).toBe(args)
})

test.each([
  ['https://example.com/hook', 'https://example.com/hook'],
  ['https://example.com/hook?token=x#y', 'https://example.com/hook?…'],
  ['https://example.com/#secret', 'https://example.com/#…'],
  ['https://me:secret@example.com/', 'https://…@example.com/'],
])('the URL %s is listed as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown)
})
