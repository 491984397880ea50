import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Names, type NamesOptions } from '../../../src/delivery/names.ts'
import { atEnd } from '../../support/at-end.ts'
import { waitFor } from '../../support/wait.ts'
import { type Zone, SERVFAIL, aDnsServer } from './dns-server.ts'
import { aClosedPort } from './endpoints.ts'

async function aResolver(zone: Zone, options: NamesOptions = {}) {
  const { address, queries } = await aDnsServer(zone)
  const names = new Names({ servers: [address], hostsFile: '/nowhere', system: () => Promise.resolve([]), ...options })
  return { names, queries }
}

async function aHostsFile(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'hookd-hosts-'))
  atEnd(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'hosts')
  await writeFile(path, text)
  return path
}

test('a name gives all its addresses', async () => {
  const { names } = await aResolver({ 'example.com': { v4: ['192.0.2.1', '192.0.2.2'], v6: ['2001:db8::1'] } })
  expect(await names.resolve('example.com')).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1'])
})

test('a name may have a thousand addresses', async () => {
  const v4 = Array.from({ length: 1000 }, (_, at) => `192.0.${at >> 8}.${at & 255}`)
  const { names } = await aResolver({ 'example.com': { v4 } })
  expect((await names.resolve('example.com')).toSorted()).toEqual(v4.toSorted())
})

test('a name with one kind of address is fine', async () => {
  const { names } = await aResolver({ four: { v4: ['192.0.2.1'] }, six: { v6: ['2001:db8::1'] } })
  expect(await names.resolve('four')).toEqual(['192.0.2.1'])
  expect(await names.resolve('six')).toEqual(['2001:db8::1'])
})

test('an answer is kept, and asked for once by many', async () => {
  const { names, queries } = await aResolver({ 'example.com': { v4: ['192.0.2.1'], ttl: 0 } })
  await Promise.all([names.resolve('example.com'), names.resolve('example.com')])
  await names.resolve('example.com')
  expect(queries.toSorted()).toEqual(['A example.com', 'AAAA example.com'])
})

test.each(['localhost', 'a.localhost'])('%s needs no DNS', async (name) => {
  const { names, queries } = await aResolver({})
  expect(await names.resolve(name)).toEqual(['127.0.0.1', '::1'])
  expect(queries).toEqual([])
})

test('the hosts file comes before DNS', async () => {
  const hostsFile = await aHostsFile(
    '# comment\n192.0.2.7 one.example Two.Example # more\n2001:db8::7\tone.example\nbad line\n',
  )
  const { names, queries } = await aResolver({ 'one.example': { v4: ['192.0.2.1'] } }, { hostsFile })
  expect(await names.resolve('one.example')).toEqual(['192.0.2.7', '2001:db8::7'])
  expect(await names.resolve('two.example')).toEqual(['192.0.2.7'])
  expect(queries).toEqual([])
})

test('what DNS does not know the system may know', async () => {
  const { names } = await aResolver({}, { system: (name) => Promise.resolve(name === 'intranet' ? ['192.0.2.9'] : []) })
  expect(await names.resolve('intranet')).toEqual(['192.0.2.9'])
})

test('the system is asked for one name at a time', async () => {
  let [now, most] = [0, 0]
  const system = async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setImmediate(resolve))
    now--
    return ['192.0.2.9']
  }
  const { names } = await aResolver({}, { system })
  await Promise.all(['a', 'b', 'c', 'd'].map((name) => names.resolve(name)))
  expect(most).toBe(1)
})

test.each<[string, Zone, NamesOptions, string]>([
  ['does not exist', {}, {}, 'the name example.com does not exist'],
  [
    'is unknown to the system too',
    {},
    { system: () => Promise.reject(new Error('EAI_AGAIN')) },
    'the name example.com does not exist',
  ],
  [
    'hangs in the system',
    {},
    { system: () => new Promise(() => {}), timeoutMs: 100 },
    'the name example.com does not exist',
  ],
  ['has no address', { 'example.com': {} }, {}, 'the name example.com has no address'],
  [
    'leads to itself',
    { 'example.com': { alias: 'www.example.com' }, 'www.example.com': { alias: 'example.com' } },
    {},
    'the name example.com has no address',
  ],
  ['fails', { 'example.com': { code: SERVFAIL } }, {}, 'DNS failed for example.com (ESERVFAIL)'],
  [
    'gets no answer',
    { 'example.com': { silent: true } },
    { timeoutMs: 300 },
    'DNS gave no answer for example.com in time',
  ],
])('a name that %s is a DNS error', async (_, zone, options, message) => {
  const { names } = await aResolver(zone, options)
  await expect(names.resolve('example.com')).rejects.toMatchObject({ failure: 'dns_error', message })
})

test('a failure is kept for a moment too', async () => {
  const { names, queries } = await aResolver({})
  for (let at = 0; at < 3; at++) await expect(names.resolve('example.com')).rejects.toThrow('does not exist')
  expect(queries).toHaveLength(2)
})

test('a machine without DNS is not held against the endpoint', async () => {
  const names = new Names({ servers: [`127.0.0.1:${await aClosedPort()}`], hostsFile: '/nowhere', timeoutMs: 300 })
  const failure = { failure: 'internal', message: 'no DNS server answers' }
  await expect(names.resolve('example.com')).rejects.toMatchObject(failure)
})

test('a DNS server that answers nothing at all is not held against the endpoint', async () => {
  const { address } = await aDnsServer({ '': { silent: true }, 'example.com': { silent: true } })
  const names = new Names({ servers: [address], hostsFile: '/nowhere', timeoutMs: 300 })
  await expect(names.resolve('example.com')).rejects.toMatchObject({ failure: 'internal' })
})

test('closing ends what is still asked for', async () => {
  const { names, queries } = await aResolver({ 'example.com': { silent: true } })
  const asking = names.resolve('example.com')
  await waitFor(() => queries.length === 2, { what: 'both queries' })
  names.close()
  await expect(asking).rejects.toMatchObject({
    failure: 'dns_error',
    message: 'DNS failed for example.com (ECANCELLED)',
  })
})

test('only so many names are kept', async () => {
  const zone = Object.fromEntries(Array.from({ length: 1100 }, (_, at) => [`n${at}`, { v4: ['192.0.2.1'] }]))
  const { names, queries } = await aResolver(zone)
  for (let at = 0; at < 1100; at++) await names.resolve(`n${at}`)
  const before = queries.length
  await names.resolve('n1099')
  expect(queries).toHaveLength(before)
  await names.resolve('n0')
  expect(queries).toHaveLength(before + 2)
})
