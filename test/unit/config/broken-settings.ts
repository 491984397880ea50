import { GOOD, event, file } from './broken-file.ts'
import type { BrokenFile } from './broken-file.ts'

const TABLES: readonly BrokenFile[] = [
  file(
    'an unknown table',
    event('on: insert', 'table: ¶public.artcle'),
    '"table" in event "a.b": unknown table "public.artcle"; did you mean "public.article"?',
  ),
  file('an unknown table of another schema', event('on: insert', 'table: ¶shop.orders'), 'did you mean "shop.order"?'),
  file(
    'a name of three parts',
    event('on: insert', 'table: ¶db.public.article'),
    '"db.public.article" is not a table name',
  ),
  file('a table of hookd', event('on: insert', 'table: ¶hookd.deliveries'), `"hookd.deliveries" is hookd's own`),
  file('a view', event('on: insert', 'table: ¶report'), '"public.report" is a view, which has no changes of its own'),
  file('a materialized view', event('on: insert', 'table: ¶summary'), '"public.summary" is a materialized view'),
  file('a foreign table', event('on: insert', 'table: ¶remote'), '"public.remote" is a foreign table'),
  file('an unlogged table', event('on: insert', 'table: ¶cache'), 'run: ALTER TABLE public.cache SET LOGGED;'),
  file(
    'a temporary table',
    event('on: insert', 'table: ¶pg_temp_3.scratch'),
    '"pg_temp_3.scratch" is a temporary table',
  ),
  file('a partition', event('on: insert', 'table: ¶metric_2026'), 'declare the event on "public.metric"'),
  file(
    'deletes without a key',
    event('on: ¶delete', 'table: keyless'),
    'because "public.keyless" has no primary key; add a primary key, or run: ALTER TABLE public.keyless REPLICA IDENTITY FULL;',
  ),
  file(
    'updates without an identity',
    event('on: [¶insert, update]', 'table: silent').replace('[¶', '¶['),
    'the replica identity of "public.silent" is NOTHING',
  ),
  file(
    'an unknown table among the defaults',
    `tables: { ¶artcle: { sender: id } }\n${GOOD}`,
    '"tables": unknown table "artcle"',
  ),
  file(
    'a table twice among the defaults',
    `tables: { article: { sender: id }, ¶public.article: { sender: id } }\n${GOOD}`,
    '"public.article" is "public.article", which has an entry already',
  ),
  file(
    'a condition among the defaults',
    `tables: { article: { ¶when: { id: 1 } } }\n${GOOD}`,
    'unknown key "when" in table "article"',
  ),
  file(
    'an unknown column among the defaults',
    `tables: { article: { sender: ¶autor_id } }\n${GOOD}`,
    '"sender" in table "article": unknown column "autor_id" of public.article; did you mean "author_id"?',
  ),
]

const COLUMNS: readonly BrokenFile[] = [
  file(
    'an unknown column in data',
    event('data: [id, ¶titel]'),
    '"data" in event "a.b": unknown column "titel" of public.article; did you mean "title"?',
  ),
  file('a generated column in data', event('data: [¶slug]'), 'column "slug" is generated'),
  file('an unknown column excluded', event('data: { exclude: [¶stat] }'), 'unknown column "stat"'),
  file(
    'an empty mapping as data',
    event('data: ¶{}'),
    '"data" in event "a.b" must be a list of columns, {exclude: [columns]} or {key: template}',
  ),
  file('a number as a template', event('data: { n: ¶5 }'), '"data.n" in event "a.b" must be text'),
  file('an unknown owner', event('owner: ¶acount'), '"owner" in event "a.b": unknown column "acount"'),
  file(
    'an unknown column in a template',
    event('ref: ¶"/{uuidd}"'),
    '"ref" in event "a.b": unknown column "uuidd" of public.article; did you mean "uuid"?',
  ),
  file('a lone brace', event('ref: ¶"/{uuid"'), 'has a lone "{"'),
  file('a template without quotes', event('ref: ¶{uuid}'), 'a value that starts with "{" needs quotes: "{column}"'),
  file('a path into a text', event('ref: ¶"/{title.x}"'), 'column "title" is text, which has nothing at "x"'),
  file(
    'a config in a header',
    event('headers: { X-A: ¶"{config.a}" }'),
    '"headers.X-A" in event "a.b": a reference is malformed or of no use here',
  ),
  file(
    'a name template that is no name',
    event('name: ¶"a b {id}"'),
    '"name" in event "a.b": "a b {id}" is not a name for an event',
  ),
  file(
    'a name beside a name template',
    'events: { "a.{state}": { table: article, on: insert, ¶name: "b.{state}" } }\n',
    'has a template as its name already',
  ),
  file(
    'an old value on insert',
    event('¶ref: "/{old.id}"', 'table: article, on: [insert, update]'),
    'an inserted row has no old values',
  ),
  file(
    'a new value on delete',
    event('¶ref: "/{new.id}"', 'table: article, on: delete'),
    'a deleted row has no new values; write "{id}"',
  ),
  file(
    'an old value of an emitted event',
    event('¶ref: "/{old.id}"', 'manual: true'),
    'an emitted event has no old row',
  ),
  file(
    'a name that a truncate cannot fill',
    'events: { ¶"a.{id}": { table: article, on: truncate } }\n',
    '"name" in event "a.{id}": a truncate has no row',
  ),
  file(
    'a header that a truncate cannot fill',
    event('¶headers: { X-A: "{id}" }', 'table: article, on: truncate'),
    '"headers" in event "a.b": a truncate has no row',
  ),
  file(
    'a template that deleted rows cannot fill',
    event('¶ref: "/{uuid}"', 'table: note, on: delete'),
    '"ref" in event "a.b": needs "uuid" of the old row, which Postgres does not send for this table; run: ALTER TABLE public.note REPLICA IDENTITY FULL;',
  ),
  file(
    'a default that deleted rows cannot fill',
    'tables: { note: { sender: author_id } }\nevents: { ¶a.b: { table: note, on: delete } }\n',
    '"sender" in event "a.b": needs "author_id" of the old row',
  ),
  file(
    'skip_noop without old rows',
    event('¶skip_noop: true', 'table: note, on: update'),
    '"skip_noop" in event "a.b": needs the old row',
  ),
]

const CONDITIONS: readonly BrokenFile[] = [
  file('an unknown operator', event('when: { state: { ¶regx: x } }'), '"when" in event "a.b": '),
  file('an operator in capitals', event('when: { state: { ¶EQ: x } }'), 'EQ'),
  file(
    'an unknown column in a condition',
    event('when: { ¶stat: x }'),
    'unknown column "stat" of public.article; did you mean "state"?',
  ),
  file('a generated column in a condition', event('when: { ¶slug: x }'), 'column "slug" is generated'),
  file('an empty any', event('when: { ¶any: [] }'), '"any" takes a list of conditions, not an empty list'),
  file('a scalar for in', event('when: { state: { ¶in: abc } }'), 'in'),
  file('a bad pattern', event('when: { state: { ¶regex: "(" } }'), 'regex'),
  file('a text for a number', event('when: { total: { ¶gt: big } }'), 'gt'),
  file('a list as a condition', event('when: ¶[ { id: 1 } ]'), 'put a list of conditions under "any" or "all"'),
  file('a problem deep inside', event('when: { any: [ { id: 1 }, { not: { ¶stat: x } } ] }'), 'unknown column "stat"'),
  file(
    'a transition without old rows',
    event('when: { state: { ¶now_eq: x } }', 'table: note, on: update'),
    'run: ALTER TABLE public.note REPLICA IDENTITY FULL;',
  ),
  file('a transition on a delete', event('when: { state: { ¶now_eq: x } }', 'table: article, on: delete'), 'delete'),
  file(
    'a transition on a weak partition',
    event('when: { title: { ¶now_eq: x } }', 'table: metric, on: update'),
    'run: ALTER TABLE public.metric_2027 REPLICA IDENTITY FULL;',
  ),
  file(
    'a transition where updates are not even sent',
    event('when: { title: { now_eq: x } }', 'table: keyless, on: ¶update'),
    'because "public.keyless" has no primary key',
  ),
  file(
    'a condition of a manual event',
    event('¶when: { id: { now_gtt: 1 } }', 'manual: true'),
    '"when" in event "a.b" has no effect on a manual event',
  ),
  file(
    'changed without old rows',
    event('changed: [¶state]', 'table: note, on: update'),
    '"changed" in event "a.b": "changed" needs the old value of "state"',
  ),
  file(
    'an unknown column in changed',
    event('changed: [state, ¶titel]'),
    '"changed" in event "a.b": unknown column "titel"',
  ),
]

const SENDING: readonly BrokenFile[] = [
  file(
    'a number for a duration',
    event('timeout: ¶15'),
    '"timeout" in event "a.b" must be a duration such as 500ms, 15s, 5m, 2h or 7d; a number needs a unit: 15s',
  ),
  file('an unknown unit', `delivery: { timeout: ¶15sec }\n${GOOD}`, '"timeout" in "delivery" must be a duration'),
  file('no time at all', `delivery: { timeout: ¶0s }\n${GOOD}`, '"timeout" in "delivery" must lie between 1ms and 10m'),
  file(
    'a bad spill_after',
    `delivery: { spill_after: ¶soon }\n${GOOD}`,
    '"spill_after" in "delivery" must be a duration',
  ),
  file('a bad delivery log', `delivery: { delivery_log: ¶everything }\n${GOOD}`, 'known: all, failures'),
  file('a bad size', `delivery: { max_payload: ¶1TB }\n${GOOD}`, '"max_payload" in "delivery" must be a size'),
  file(
    'a bad delay',
    `delivery: { retry: { schedule: [5s, ¶5] } }\n${GOOD}`,
    '"retry.schedule.1" in "delivery": must be a delay with a unit',
  ),
  file('an empty schedule', event('retry: { ¶schedule: [] }'), 'must be a list of 1 to 1000 delays'),
  file('a negative max', event('retry: { ¶max: -1 }'), '"retry.max" in event "a.b": must be a whole number of retries'),
  file('an unknown key of retry', event('retry: { ¶maximum: 3 }'), '"retry.maximum" in event "a.b": unknown key'),
  file(
    'retry: true',
    event('retry: ¶true'),
    '"retry" in event "a.b": write {schedule: [5s, 1m, 5m]}, {max: 3}, or false',
  ),
  file(
    'an unknown scheme',
    `recipients: { schemes: [¶htps] }\n${GOOD}`,
    '"schemes" in "recipients" of the file cannot be "htps"; did you mean "https"?',
  ),
  file('no scheme', `recipients: { schemes: ¶[] }\n${GOOD}`, 'allows nothing; write [https]'),
  file(
    'a port out of range',
    `recipients: { ports: [80, ¶70000] }\n${GOOD}`,
    'must hold numbers from 1 to 65535, not 70000',
  ),
  file(
    'a word for the ports',
    `recipients: { ports: ¶all }\n${GOOD}`,
    'must be a list such as [80, 443], or any, not text',
  ),
  file('a bad range', `recipients: { block_cidrs: [¶10.0.0/8] }\n${GOOD}`, '"10.0.0/8" is not an address range'),
  file('a range without a prefix', `recipients: { allow_cidrs: [¶10.1.2.3] }\n${GOOD}`, 'write "10.1.2.3/32"'),
  file('a prefix that is too long', `recipients: { allow_cidrs: [¶10.0.0.0/33] }\n${GOOD}`, 'a number from 0 to 32'),
  file('a reserved header', event('headers: { ¶Host: x }'), '"headers" in event "a.b": header "Host" is reserved'),
  file('a header with a line break', event('headers: { ¶X-A: "a\\nb" }'), 'outside printable ASCII'),
  file('a header twice', event('headers: { X-A: a, ¶x-a: b }'), '"x-a" appears twice'),
  file(
    'a number that JSON cannot say',
    event('request_data: { a: [1, ¶.inf] }'),
    'holds Infinity, which JSON cannot say',
  ),
  file('subscribers as a word', event('subscribers: ¶none'), '"subscribers" in event "a.b" must be a list of URLs'),
  file(
    'a subscriber without a URL',
    event('subscribers: [¶{ secret: 0123456789abcdef }]'),
    'subscriber 1 of event "a.b" needs a "url"',
  ),
  file('a subscriber that is a number', event('subscribers: [¶1]'), 'must be a URL or {url, secret}, not a number'),
  file(
    'an unknown key of a subscriber',
    event('subscribers: [{ url: "https://a.example", ¶secrt: x }]'),
    'unknown key "secrt" in subscriber 1 of event "a.b"; did you mean "secret"?',
  ),
  file(
    'a short secret',
    event('subscribers: [{ url: "https://a.example", ¶secret: short }]'),
    'subscriber 1 of event "a.b": the secret is shorter than 16 characters',
  ),
  file(
    'a malformed secret',
    event('subscribers: [{ url: "https://a.example", ¶secret: whsec_not-base64 }]'),
    'is not padded base64',
  ),
  file('a bad URL', event('subscribers: [¶example.com/hook]'), 'the URL of a subscriber of event "a.b" is not a URL'),
  file('a bad scheme', event('subscribers: [¶"javascript:alert(1)"]'), 'must start with http:// or https://'),
  file('a password in a URL', event('subscribers: [¶"https://u:p@a.example/"]'), 'must not hold a user or a password'),
  file(
    'a port that is not allowed',
    event('subscribers: [¶"https://a.example:8443/"]'),
    'has port 8443, which "recipients" does not allow',
  ),
  file(
    'a URL twice',
    event('subscribers: ["https://a.example/", ¶"https://a.example/"]'),
    'subscriber 2 of event "a.b" repeats the URL',
  ),
]

export const BROKEN_SETTINGS = [...TABLES, ...COLUMNS, ...CONDITIONS, ...SENDING]
