import { expect, test } from 'vitest'
import { contains, parseAddress, parseNetwork } from '../../../src/delivery/addresses.ts'
import { judgeAddress, judgeUrl, policyKey } from '../../../src/delivery/recipients.ts'
import type { RecipientPolicy } from '../../../src/matching/event.ts'
import { ANYWHERE, PUBLIC } from './endpoints.ts'

function verdict(url: string, policy: Partial<RecipientPolicy> = {}): string {
  const judged = judgeUrl(url, { ...PUBLIC, ...policy })
  return judged.kind === 'allowed' ? 'allowed' : judged.failure
}

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.3.1',
  '169.254.169.254',
  '169.254.170.2',
  '168.63.129.16',
  '100.64.0.1',
  '100.100.100.200',
  '100.127.255.255',
  '0.0.0.0',
  '0.1.2.3',
  '192.0.0.8',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.7',
  '203.0.113.9',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::7f00:1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:0:7f00:1',
  '::ffff:0:808:808',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::808:808',
  '100::1',
  '2001::1',
  '2001:1ff::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:808:808::',
  '3fff::1',
  '3fff:fff::1',
  '4000::1',
  '5f00::1',
  'fc00::1',
  'fd00::1',
  'fd00:ec2::254',
  'fe80::1',
  'fec0::1',
  'ff02::1',
])('the address %s is not dialled', (address) => {
  expect(judgeAddress(address, PUBLIC)).toMatch(/^is an? /)
  expect(judgeAddress(address, ANYWHERE)).toBeNull()
})

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '123.123.123.123',
  '172.15.255.255',
  '172.32.0.1',
  '100.63.255.255',
  '100.128.0.1',
  '169.253.255.255',
  '192.0.1.1',
  '192.169.0.1',
  '168.63.129.17',
  '198.20.0.1',
  '223.255.255.255',
  '2600::1',
  '2001:200::1',
  '2606:4700:4700::1111',
  '2a00:1450::1',
  '3ffe::1',
  '::ffff:8.8.8.8',
  '64:ff9b::808:808',
])('the address %s is public', (address) => {
  expect(judgeAddress(address, PUBLIC)).toBeNull()
})

test.each(['', 'localhost', '1.2.3', '0177.0.0.1', '1.2.3.4.5', '8.8.8.8 ', 'fe80::1%eth0', '2600::1%1', '[::1]'])(
  '%j is no address and is not dialled under any policy',
  (text) => {
    expect(judgeAddress(text, ANYWHERE)).toBe('is not an address')
  },
)

test('allow_cidrs opens what block_internal closes, and block_cidrs closes it again', () => {
  const policy = { ...PUBLIC, allowCidrs: ['10.0.0.0/8', 'fd00::/8'], blockCidrs: ['10.9.0.0/16', '1.1.1.0/24'] }
  expect(judgeAddress('10.1.2.3', policy)).toBeNull()
  expect(judgeAddress('::ffff:10.1.2.3', policy)).toBeNull()
  expect(judgeAddress('fd12::1', policy)).toBeNull()
  expect(judgeAddress('10.9.1.1', policy)).toBe('is blocked by block_cidrs')
  expect(judgeAddress('64:ff9b::a09:101', policy)).toBe('is blocked by block_cidrs')
  expect(judgeAddress('1.1.1.1', policy)).toBe('is blocked by block_cidrs')
  expect(judgeAddress('192.168.3.1', policy)).toBe('is a private address')
})

test('block_cidrs counts also where block_internal is off', () => {
  const policy = { ...ANYWHERE, blockCidrs: ['192.168.0.0/16'] }
  expect(judgeAddress('192.168.3.1', policy)).toBe('is blocked by block_cidrs')
  expect(judgeAddress('10.1.2.3', policy)).toBeNull()
})

test.each([
  ['0.0.0.0/0', '255.1.2.3', true],
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.128.0.0/9', '10.127.255.255', false],
  ['10.128.0.0/9', '10.128.0.0', true],
  ['192.168.1.4/30', '192.168.1.7', true],
  ['192.168.1.4/30', '192.168.1.8', false],
  ['1.2.3.4/32', '1.2.3.4', true],
  ['1.2.3.4/32', '1.2.3.5', false],
  ['2001:db8::/33', '2001:db8:7fff::1', true],
  ['2001:db8::/33', '2001:db8:8000::1', false],
  ['::/0', '2600::1', true],
  ['::/0', '1.2.3.4', false],
])('%s and %s: %s', (network, address, expected) => {
  expect(contains(parseNetwork(network), parseAddress(address)!)).toBe(expected)
})

test.each(['10.0.0.0', '10.0.0.0/33', '::/129', '10.0.0.0/-1', '10.0.0.0/8/8', 'x/8', '10.0.0.0/', '010.0.0.0/8'])(
  'the range %s is malformed',
  (text) => {
    expect(() => parseNetwork(text)).toThrow(TypeError)
  },
)

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://127.0.0.1./',
  'http://0x7f.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://0177.0.0.1/',
  'http://１２７.0.0.1/',
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://%31%32%37.0.0.1/',
  'http://[::1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::7f00:1]/',
  'http://[::ffff:0:7f00:1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[fec0::1]/',
  'http://[0:0:0:0:0:ffff:127.0.0.1]/',
  'http://localhost/',
  'http://LOCALHOST/',
  'http://localhost./',
  'http://a.b.localhost/',
  'http://metadata.google.internal/',
  'http://Metadata.Google.Internal./computeMetadata/v1/',
  'http:\\\\127.0.0.1\\',
  ' http://127.0.0.1/',
  'http:127.0.0.1',
])('the host of %s is blocked', (url) => {
  expect(verdict(url)).toBe('blocked_address')
})

test.each([
  'file:///etc/passwd',
  'gopher://example.com/',
  'ftp://example.com/',
  'http+unix://%2Fvar%2Frun/',
  'javascript:alert(1)',
  'ws://example.com/',
  'example.com/hook',
  '//example.com/hook',
  'http://',
  'http:///',
  'http://user@example.com/',
  'http://user:password@example.com/',
  'http://:password@example.com/',
  'http://[fe80::1%eth0]/',
  'http://example.com:0/',
  'http://example.com:22/',
  'http://example.com:25/',
  'http://example.com:5432/',
  'http://example.com:6379/',
  'http://example.com:8080/',
  'http://example.com:65536/',
  'http://exa mple.com/',
  '',
])('the URL %s is not usable', (url) => {
  expect(verdict(url)).toBe('bad_url')
})

test.each([
  ['http://example.com/', {}],
  ['https://example.com', {}],
  ['https://example.com:443/', {}],
  ['https://example.com:80/', {}],
  ['http://example.com:6453/', { ports: [80, 443, 21, 6453] }],
  ['http://example.com:1/', { ports: 'any' }],
  ['http://123.123.123.123/', {}],
  ['http://bücher.example/', {}],
  ['http://127.0.0.1/', { blockInternal: false }],
  ['http://localhost/', { allowCidrs: ['127.0.0.0/8', '::1/128'] }],
] as const)('the URL %s is allowed under %j', (url, policy) => {
  expect(verdict(url, policy)).toBe('allowed')
})

test.each([
  ['http://example.com:1234/', { ports: [80, 443, 21, 6453] }],
  ['http://example.com/', { schemes: ['https'] }],
  ['http://example.com:0/', { ports: 'any' }],
  ['http://localhost/', { allowCidrs: ['127.0.0.0/8'] }],
] as const)('the URL %s is refused under %j', (url, policy) => {
  expect(verdict(url, policy)).not.toBe('allowed')
})

test.each([
  [
    'https://Example.COM:8443/a%20b?c=d#e',
    {
      secure: true,
      host: 'example.com',
      isAddress: false,
      port: 8443,
      origin: 'https://example.com:8443',
      path: '/a%20b?c=d',
    },
  ],
  [
    'http://[2600::1]',
    { secure: false, host: '2600::1', isAddress: true, port: 80, origin: 'http://[2600::1]', path: '/' },
  ],
  [
    'http://example.com./',
    { secure: false, host: 'example.com', isAddress: false, port: 80, origin: 'http://example.com.', path: '/' },
  ],
])('%s is taken apart once', (url, target) => {
  expect(judgeUrl(url, { ...PUBLIC, ports: 'any' })).toEqual({ kind: 'allowed', target })
})

test.each([
  [
    'https://user:pa55@example.com/?t0ken',
    'the URL is not usable: it holds a user or a password; use a header instead',
  ],
  ['ftp://example.com/?t0ken', 'the URL is not usable: its scheme is ftp; http and https are allowed'],
  ['http://example.com:22/?t0ken', 'the URL is not usable: port 22 is not allowed; 80, 443 are'],
  ['http://10.1.2.3/?t0ken', '"10.1.2.3" is a private address, where "recipients" allows no delivery'],
])('the reason for refusing %s is a sentence without secrets', (url, reason) => {
  expect(judgeUrl(url, PUBLIC)).toMatchObject({ kind: 'refused', reason })
})

test('policies that allow the same addresses share a key, others do not', () => {
  expect(policyKey({ ...PUBLIC, allowCidrs: ['10.0.0.0/8', '::/0'] })).toBe(
    policyKey({ ...PUBLIC, ports: [443], allowCidrs: ['::/0', '10.0.0.0/8'] }),
  )
  expect(policyKey(PUBLIC)).not.toBe(policyKey(ANYWHERE))
  expect(policyKey({ ...PUBLIC, allowCidrs: ['::/0'] })).not.toBe(policyKey({ ...PUBLIC, blockCidrs: ['::/0'] }))
})
