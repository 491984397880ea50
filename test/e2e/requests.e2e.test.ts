import { beforeAll, describe, expect, test } from 'vitest'
import { type Endpoint, startEndpoints } from '../support/endpoints.ts'
import { createMailroom } from '../support/mailroom.ts'
import { createDatabase, SERVER_KINDS } from '../support/postgres.ts'
import { openStage, type Stage } from '../support/stage.ts'
import { signatureFaults } from '../support/verified.ts'

const SQL = `
  create table article (id int primary key, title text, tags text[], price numeric, secret text);
  create table item (id int primary key)`

const STATIC_SECRET = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE='

const yaml = (signed: string, unsigned: string) => `events:
  article.created:
    table: public.article
    on: insert
    data: [title, tags, price]
    ref: "http://ex/article/{id}/"
    sender: id
    request_data: { agent: AGENT, event: hack }
    headers: { X-Kind: "article {id}", X-Both: event }
  bare.called: { manual: true }
  whole.created: { table: public.article, on: insert, data: { exclude: [secret] } }
  made.up:
    table: public.article
    on: insert
    data: { name: "{title}", who: "{config.tenant}" }
    ref: "https://{config.tenant}.example/{title}"
  item.created: { table: public.item, on: insert }
  alarm.raised:
    manual: true
    subscribers: [{ url: ${signed}, secret: ${STATIC_SECRET} }, ${unsigned}, null, ""]
delivery: { retry: { schedule: [50ms] } }
`

describe.each(SERVER_KINDS)('requests, %s', (kind) => {
  let stage: Stage
  let signed: Endpoint
  let unsigned: Endpoint
  let lastId = 0
  const query = (sql: string, params?: unknown[]) => stage.database.query(sql, params)
  const open = createMailroom(() => stage)
  const insert = async (title = 'The quick brown fox') => {
    await query('insert into article values ($1, $2, $3, 1.10, $4)', [++lastId, title, ['x', 'y'], 's3cret'])
    return lastId
  }

  beforeAll(async () => {
    const endpoints = await startEndpoints()
    signed = endpoints.open()
    unsigned = endpoints.open()
    stage = await openStage(await createDatabase(kind), { sql: SQL, yaml: yaml(signed.url, unsigned.url) })
    await stage.start()
  })

  test('the headers say what it is, for whom and by whom; nobody can replace these', async () => {
    await expect(open({ headers: { 'Hook-Event': 'mine' } })).rejects.toThrow(/header/)
    const box = await open({ event: 'article.created', headers: { Authorization: 'Bearer t', 'X-Both': 'mine' } })
    const id = await insert()
    const [request] = await box.waitFor(1)
    expect(request).toMatchObject({
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^hookd\/\d+\.\d+\.\d+$/),
        'hook-event': 'article.created',
        'hook-delivery': expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
        'hook-subscription': box.id,
        'webhook-id': expect.stringMatching(/^msg_/),
        'accept-encoding': 'identity',
        'content-length': String(request!.body.length),
        host: new URL(box.url).host,
        authorization: 'Bearer t',
        'x-kind': `article ${id}`,
        'x-both': 'mine',
      },
    })
    expect(request!.headers['webhook-id']).toBe(box.bodies()[0].meta.id)
  })

  test('the keys of the hookd envelope stand in their order, and request data cannot replace one', async () => {
    const box = await open({ event: 'article.created' })
    const id = await insert()
    const [request] = await box.waitFor(1)
    const meta = JSON.stringify(box.bodies()[0].meta)
    const data = '{"title":"The quick brown fox","tags":["x","y"],"price":1.10}'
    expect(request!.body.toString()).toBe(
      `{"event":"article.created","ref":"http://ex/article/${id}/","sender":${id},"data":${data},"meta":${meta},"agent":"AGENT"}`,
    )
    expect(Object.keys(box.bodies()[0].meta)).toEqual(['id', 'op', 'table', 'key', 'committed_at', 'lsn', 'xid'])
    expect(box.bodies()[0].meta).toMatchObject({ op: 'insert', table: 'public.article', key: { id } })
  })

  test.each([
    ['thorn', '{"event":"article.created","ref":"http://ex/article/KEY/","sender":KEY,"data":{DATA},"agent":"AGENT"}'],
    ['raw', '{DATA}'],
    ['flat', '{DATA,"created":true,"agent":"AGENT","event":"hack"}'], // it has no event that this could replace
    [
      'resthooks',
      '{"hook":{"id":"ID","event":"article.created","target":"URL"},"data":{DATA},"agent":"AGENT","event":"hack"}',
    ],
    ['standard', '{"type":"article.created","timestamp":"TIME","data":{DATA},"agent":"AGENT","event":"hack"}'],
    [
      'cloudevents',
      '{"specversion":"1.0","id":"MESSAGE","source":"hookd:public.article","type":"article.created",' +
        '"subject":"http://ex/article/KEY/","time":"TIME","datacontenttype":"application/json","data":{DATA}}',
    ],
  ])('the %s envelope', async (envelope, template) => {
    const box = await open({ event: 'article.created', envelope })
    const key = await insert()
    const [request] = await box.waitFor(1)
    const data = '"title":"The quick brown fox","tags":["x","y"],"price":1.10'
    const MESSAGE = String(request!.headers['webhook-id'])
    const { timestamp = '', time: TIME = timestamp } = box.bodies()[0]
    const values: Record<string, string> = { KEY: String(key), DATA: data, ID: box.id, URL: box.url, TIME, MESSAGE }
    const filled = template.replaceAll(/\b(KEY|DATA|ID|URL|TIME|MESSAGE)\b/g, (name) => values[name]!)
    expect(request!.body.toString()).toBe(filled)
    expect(TIME).toMatch(template.includes('TIME') ? /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/ : /^$/)
    const isCloudEvent = envelope === 'cloudevents'
    expect(request!.headers['content-type']).toBe(isCloudEvent ? 'application/cloudevents+json' : 'application/json')
  })

  test.each([
    ['standard', 'application/json'],
    ['cloudevents', 'application/cloudevents-batch+json'],
  ])('a batch of the %s envelope says that it is %s, also when it is sent again', async (envelope, type) => {
    const columns = { event: 'item.created', envelope, batch_size: 10, batch_wait: '50 milliseconds' }
    const box = await open(columns, (_, at) => (at === 0 ? 500 : 200))
    await query('insert into item values ($1), ($2)', [++lastId, ++lastId])
    const [first, second] = await box.waitFor(2)
    expect(box.bodies()[0].map(({ data }: { data: unknown }) => data)).toEqual([{ id: lastId - 1 }, { id: lastId }])
    expect(second!.body).toEqual(first!.body)
    expect([first, second].map((request) => request!.headers['content-type'])).toEqual([type, type])
    await stage.settled()
  })

  test('an event emitted without data, ref and sender has them empty, and an excluded column is nowhere', async () => {
    const [bare, whole] = [
      await open({ event: 'bare.called', envelope: 'thorn' }),
      await open({ event: 'whole.created', envelope: 'raw' }),
    ]
    const id = await insert()
    await query(`select hookd.emit('bare.called')`)
    await stage.settled()
    expect(bare.requests.map(({ body }) => body.toString())).toEqual([
      '{"event":"bare.called","ref":null,"sender":null,"data":{}}',
    ])
    expect(whole.requests.map(({ body }) => body.toString())).toEqual([
      `{"id":${id},"title":"The quick brown fox","tags":["x","y"],"price":1.10}`,
    ])
  })

  test('each subscriber gets its own content type and secret, under a digest of its choice', async () => {
    const form = await open({
      event: 'article.created',
      content_type: 'application/x-www-form-urlencoded',
      envelope: 'thorn',
      hmac_digest: 'SHA512',
    })
    const json = await open({
      event: 'article.created',
      envelope: 'thorn',
      hmac_digest: 'sha1',
      hmac_secret: 'k'.repeat(16),
    })
    const id = await insert('Ü & x')
    await stage.settled()
    expect(form.requests.map(({ body }) => body.toString())).toEqual([
      `event=article.created&ref=http%3A%2F%2Fex%2Farticle%2F${id}%2F&sender=${id}&data%5Btitle%5D=%C3%9C+%26+x` +
        '&data%5Btags%5D%5B%5D=x&data%5Btags%5D%5B%5D=y&data%5Bprice%5D=1.10&agent=AGENT',
    ])
    expect(form.requests[0]!.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(json.bodies()).toMatchObject([{ event: 'article.created', data: { title: 'Ü & x' } }])
    expect(signatureFaults(form.requests[0]!, json.secret, 'sha512')).toHaveLength(3)
    expect(signatureFaults(json.requests[0]!, form.secret, 'sha1')).toHaveLength(3)
  })

  test('templates take the row and the config of the subscriber; without a value the message is an error', async () => {
    const [one, two, none] = [
      await open({ event: 'made.up', envelope: 'thorn', config: { tenant: 'one' } }),
      await open({ event: 'made.up', envelope: 'thorn', config: { tenant: 'two' } }),
      await open({ event: 'made.up', envelope: 'thorn' }),
    ]
    await insert('a/b c')
    expect(await stage.errors('made.up')).toMatchObject([
      { kind: 'payload', message: expect.stringContaining('config has no "tenant"'), table_name: 'public.article' },
    ])
    for (const [name, box] of Object.entries({ one, two })) {
      expect(box.bodies()).toEqual([
        {
          event: 'made.up',
          ref: `https://${name}.example/a%2Fb%20c`,
          sender: null,
          data: { name: 'a/b c', who: name },
        },
      ])
    }
    expect(none.requests).toEqual([])
  })

  test('subscribers of the file receive their event, signed where they have a secret', async () => {
    await query(`select hookd.emit('alarm.raised', '{"n": 1}')`)
    await stage.settled()
    const [first, second] = [signed.requests, unsigned.requests]
    expect([first.length, second.length]).toEqual([1, 1])
    expect(signatureFaults(first[0]!, STATIC_SECRET)).toEqual([])
    const names = Object.keys(second[0]!.headers)
    expect(names.filter((name) => name === 'hook-hmac' || name === 'webhook-signature')).toEqual([])
    expect(second[0]!.body).toEqual(first[0]!.body)
    expect(new Set([...first, ...second].map(({ headers }) => headers['hook-subscription'])).size).toBe(2)
  })

  test('a batch is an array under one signature; it fails, is repeated and settled as one', async () => {
    const box = await open({ event: 'item.created', batch_size: 3, batch_wait: '100 milliseconds' }, (_, at) =>
      at === 0 ? 500 : 200,
    )
    await query('insert into item values (1), (2), (3), (4)')
    const requests = await box.waitFor(3)
    const ids = (body: Buffer) => JSON.parse(body.toString()).map(({ data }: { data: { id: number } }) => data.id)
    expect(requests.map(({ body }) => ids(body)).toSorted()).toEqual([[1, 2, 3], [1, 2, 3], [4]])
    const [first, again] = requests.filter(({ body }) => ids(body).length === 3)
    expect(again!.body).toEqual(first!.body)
    for (const name of ['hook-delivery', 'webhook-id']) expect(again!.headers[name]).toBe(first!.headers[name])

    await stage.settled()
    await expect
      .poll(async () => (await box.deliveries()).map(({ state, attempts }) => [state, attempts]), { timeout: 10_000 })
      .toEqual([
        ['delivered', 2],
        ['delivered', 2],
        ['delivered', 2],
      ])
    const batches = (await box.deliveries()).map(({ batch_id }) => batch_id)
    expect(new Set(batches)).toEqual(new Set([first!.headers['hook-delivery']]))
  })
})
