import { describe, expect, test } from 'vitest'
import { jsonConverter } from '../../../src/values/to-json.ts'
import type { PgType } from '../../../src/values/types.ts'

const array = (oid: number, element: number, delimiter = ','): PgType => ({
  kind: 'array',
  oid,
  name: '',
  element,
  delimiter,
})

const TYPES: readonly PgType[] = [
  array(1007, 23),
  array(1009, 25),
  array(1000, 16),
  array(1231, 1700),
  array(1020, 603, ';'),
  { kind: 'scalar', oid: 603, name: 'box' },
  { kind: 'hstore', oid: 9000, name: 'hstore' },
  { kind: 'domain', oid: 9001, name: 'positive', base: 23 },
  { kind: 'domain', oid: 9002, name: 'positives', base: 1007 },
  {
    kind: 'composite',
    oid: 9003,
    name: 'address',
    fields: [
      { name: 'street', type: 25 },
      { name: 'zip', type: 9001 },
      { name: 'a "q"', type: 16 },
    ],
  },
  array(9004, 9003),
  {
    kind: 'composite',
    oid: 9005,
    name: 'person',
    fields: [
      { name: 'home', type: 9003 },
      { name: 'tags', type: 1009 },
    ],
  },
  { kind: 'composite', oid: 9006, name: 'blank', fields: [] },
  { kind: 'composite', oid: 9007, name: 'lone', fields: [{ name: 'f', type: 25 }] },
]

const byOid = new Map(TYPES.map((type) => [type.oid, type]))
const toJson = jsonConverter((oid) => byOid.get(oid))

/** Texts of a type and what `to_jsonb` gives. */
const CASES: readonly (readonly [type: string, oid: number, cases: readonly (readonly [string, string])[]])[] = [
  [
    'bool',
    16,
    [
      ['t', 'true'],
      ['f', 'false'],
    ],
  ],
  ['int8', 20, [['-9223372036854775808', '-9223372036854775808']]],
  [
    'numeric',
    1700,
    [
      ['1.500', '1.500'],
      ['NaN', '"NaN"'],
      ['Infinity', '"Infinity"'],
      ['-Infinity', '"-Infinity"'],
    ],
  ],
  [
    'float8',
    701,
    [
      ['1.5', '1.5'],
      ['1e+20', '100000000000000000000'],
      ['1e-07', '0.0000001'],
      ['-0', '0'],
      ['NaN', '"NaN"'],
      ['-Infinity', '"-Infinity"'],
    ],
  ],
  [
    'date',
    1082,
    [
      ['2026-01-13', '"2026-01-13"'],
      ['0044-03-15 BC', '"0044-03-15 BC"'],
      ['infinity', '"infinity"'],
    ],
  ],
  [
    'timestamp',
    1114,
    [
      ['2026-01-13 23:12:52.5', '"2026-01-13T23:12:52.5"'],
      ['0044-03-15 12:00:00 BC', '"0044-03-15T12:00:00 BC"'],
      ['-infinity', '"-infinity"'],
    ],
  ],
  [
    'timestamptz',
    1184,
    [
      ['2026-01-13 23:12:52.5+00', '"2026-01-13T23:12:52.5+00:00"'],
      ['0044-03-15 12:00:00+00 BC', '"0044-03-15T12:00:00+00:00 BC"'],
      ['infinity', '"infinity"'],
      ['2026-01-13 23:12:52+05:30', '"2026-01-13T23:12:52+05:30"'],
    ],
  ],
  ['json', 114, [['{"b" : 1e2,"a":null}', '{"a":null,"b":100}']]],
  ['jsonb', 3802, [['{"a": 1, "b": " "}', '{"a":1,"b":" "}']]],
  [
    'int2vector',
    22,
    [
      ['1 2', '[1,2]'],
      ['', '[]'],
    ],
  ],
  [
    'oidvector',
    30,
    [
      ['1 2', '["1","2"]'],
      ['', '[]'],
    ],
  ],
  ['a built-in type that the catalog does not know', 7777, [['x "y"', '"x \\"y\\""']]],
  [
    'int4[]',
    1007,
    [
      ['{}', '[]'],
      ['{1,NULL,-3}', '[1,null,-3]'],
      ['{{1,2},{3,NULL}}', '[[1,2],[3,null]]'],
      ['[0:1]={1,2}', '[1,2]'],
      ['[-1:0][5:5]={{1},{2}}', '[[1],[2]]'],
    ],
  ],
  [
    'text[]',
    1009,
    [
      ['{a,"b c","NULL",NULL,""}', '["a","b c","NULL",null,""]'],
      ['{"\\"q\\" \\\\ {x},y"}', '["\\"q\\" \\\\ {x},y"]'],
      ['{null,"[0:1]={a}"}', '["null","[0:1]={a}"]'],
    ],
  ],
  ['bool[]', 1000, [['{t,f}', '[true,false]']]],
  ['numeric[]', 1231, [['{1.50,NaN}', '[1.50,"NaN"]']]],
  ['box[]', 1020, [['{(3,4),(1,2);(5,6),(0,0)}', '["(3,4),(1,2)","(5,6),(0,0)"]']]],
  ['a domain', 9001, [['7', '7']]],
  ['a domain over an array', 9002, [['{1}', '[1]']]],
  [
    'a composite',
    9003,
    [
      ['(Main,12,t)', '{"zip":12,"a \\"q\\"":true,"street":"Main"}'],
      ['("a ""b"" \\\\,(c)",,)', '{"zip":null,"a \\"q\\"":null,"street":"a \\"b\\" \\\\,(c)"}'],
      ['("",,)', '{"zip":null,"a \\"q\\"":null,"street":""}'],
    ],
  ],
  [
    'an array of composites',
    9004,
    [['{"(\\"a \\"\\"q\\"\\"\\",1,f)",NULL}', '[{"zip":1,"a \\"q\\"":false,"street":"a \\"q\\""},null]']],
  ],
  [
    'a composite of composites',
    9005,
    [
      [
        '("(""a """"q"""""",1,)","{x,""y z""}")',
        '{"home":{"zip":1,"a \\"q\\"":null,"street":"a \\"q\\""},"tags":["x","y z"]}',
      ],
    ],
  ],
  ['a composite without fields', 9006, [['()', '{}']]],
  [
    'a composite of one field',
    9007,
    [
      ['()', '{"f":null}'],
      ['("")', '{"f":""}'],
      ['(a)', '{"f":"a"}'],
    ],
  ],
  [
    'hstore',
    9000,
    [
      ['', '{}'],
      ['"a"=>"1", "b c"=>NULL', '{"a":"1","b c":null}'],
      ['"\\"q\\" \\\\"=>", =>"', '{"\\"q\\" \\\\":", =>"}'],
    ],
  ],
]

describe.each(CASES)('%s', (_name, oid, cases) => {
  test.each(cases)('%s becomes %s', (text, json) => {
    expect(toJson(oid)(text)).toBe(json)
  })
})

test('the same type gives the same function', () => {
  expect(toJson(9004)).toBe(toJson(9004))
})

test.each([
  [1007, '1,2', 'malformed array'],
  [1009, '{"a', 'malformed array'],
  [1009, '{a', 'malformed array'],
  [1009, '{{a}', 'malformed array'],
  [77_777, '{a}', 'is of a type that does not exist any more'],
  [9003, '(a,1', 'malformed composite'],
  [9003, '("a,1,t)', 'malformed composite'],
  [9003, '(a,1)', 'other fields than its composite type has now'],
  [9003, '(a,1,t,x)', 'other fields than its composite type has now'],
  [9000, '"a"=>', 'malformed hstore'],
  [9000, 'x', 'malformed hstore'],
  [114, '{"a"', 'malformed JSON'],
  [114, '"\\u0000"', '\\u0000'],
  [114, '1e200000', 'beyond the limits of numeric'],
  [701, '1e9999999', 'beyond the limits of numeric'],
])('type %i refuses %s, and says why without the value', (oid, text, reason) => {
  expect(() => toJson(oid)(text)).toThrow(
    expect.objectContaining({ name: 'UnmappableValue', message: expect.stringContaining(reason) }),
  )
})
