import { readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { startHookd } from '../support/hookd.ts'
import { waitFor } from '../support/wait.ts'

const demoFolders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('hookd-demo-'))

test('demo --once takes the tour, says so in one line and leaves nothing behind', { timeout: 120_000 }, async () => {
  const before = demoFolders()
  const hookd = startHookd({ args: ['demo', '--once'] })
  expect({ ...(await hookd.exit), stderr: hookd.stderr() }).toEqual({ code: 0, signal: null, stderr: '' })

  const output = hookd.stdout()
  expect(output.trim().split('\n').at(-1)).toMatch(
    /^hookd demo: 6 stops, 8 webhooks, all verified, median \d+\.\d ms from commit to receipt$/,
  )
  expect(output.match(/→ \S+/g)).toEqual([
    '→ article.created',
    '→ article.published',
    '→ article.edited',
    '→ tour.marker', // nothing came of the insert that was rolled back
    '→ article.removed',
    '→ article.created',
    '→ article.created',
    '→ article.created',
  ])
  expect(output.match(/signature verified/g)).toHaveLength(8)
  expect(output.split('\n').filter((line) => Array.from(line).length > 100)).toEqual([])
  expect(demoFolders()).toEqual(before)
})

test('demo stays up after the tour, and even kill -9 leaves nothing behind', { timeout: 120_000 }, async () => {
  const before = demoFolders()
  const hookd = startHookd({ args: ['demo'] })
  await hookd.waitForOutput(/psql postgres:.*\/blog[^]*Ctrl-C/, 60_000)
  hookd.kill('SIGKILL')
  await hookd.exit
  const left = (): string[] => demoFolders().filter((name) => !before.includes(name))
  await waitFor(() => left().length === 0, { what: 'the folder of the demo to go' })
  expect(left()).toEqual([])
})
