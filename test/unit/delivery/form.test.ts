import { expect, test } from 'vitest'
import { formEncode } from '../../../src/delivery/form.ts'
import { hookHmac } from '../../../src/delivery/sign.ts'

test('the agreed form of an event, byte for byte, with its signature', () => {
  const json = '{"event":"article.created","ref":null,"sender":null,"data":{"title":"The quick brown fox"}}'
  const form = formEncode(json)
  expect(form).toBe('event=article.created&ref=&sender=&data%5Btitle%5D=The+quick+brown+fox')
  expect(hookHmac('KEY', 'sha256', Buffer.from(form))).toBe('gU9baDfATHKusrHBpCPb6ntXZgCt7cO6vDHJDDtem3s=')
})

test.each([
  ['{"data":{"tags":["x","y z"]}}', 'data[tags][]=x&data[tags][]=y z'],
  ['{"a":{"b":{"c":1}}}', 'a[b][c]=1'],
  ['{"a":[{"b":1,"c":2},{"b":3}]}', 'a[0][b]=1&a[0][c]=2&a[1][b]=3'],
  ['{"a":[[1,2],[3]]}', 'a[0][]=1&a[0][]=2&a[1][]=3'],
  ['{"a":[null,true,false]}', 'a[]=&a[]=true&a[]=false'],
  ['{"a":12345678901234567890.10,"b":-0,"c":1e400}', 'a=12345678901234567890.10&b=-0&c=1e400'],
  ['{"a":{},"b":[],"c":""}', 'c='],
  ['{"2":"b","1":"a"}', '2=b&1=a'],
  ['{"é":"ü=&+%"}', 'é=ü=&+%'],
  ['[1,2]', 'data=1&data=2'],
  ['"x"', 'data=x'],
])('%s flattens to %s', (json, decoded) => {
  const form = formEncode(json)
  expect(form).toMatch(/^[\w.*+%=&-]*$/)
  const pairs = [...new URLSearchParams(form)].map(([name, value]) => `${name}=${value}`)
  expect(pairs.join('&')).toBe(decoded.replaceAll('data=', json.startsWith('[') ? 'data[]=' : 'data='))
})
