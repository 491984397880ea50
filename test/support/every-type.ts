/** Extensions whose types are tried where the server has them. */
export const EXTENSIONS = ['hstore', 'citext', 'ltree', 'cube', 'isn', 'seg']

/** Types that a server may lack. */
export const EXTENSION_TYPES = ['xml', 'hstore', 'hstore[]', 'citext', 'ltree', 'cube', 'isbn13', 'seg']

export const TYPE_DEFINITIONS = `
  create type mood as enum ('ok', 'so "so"', 'naïve, {x}', '');
  create type blank as ();
  create type lone as (only_field text);
  create type address as (street text, zip int, "Né" text, a bool, "quo""te" text);
  create type person as (name text, home address, tags text[], seen timestamptz, j json, jb jsonb, n numeric, "B" float8,
    born date, homes address[], raw bytea, m mood);
  create domain positive as int check (value > 0);
  create domain label as text;
  create domain flag as bool;
  create domain amount as numeric(20, 4);
  create domain ratio as float8;
  create domain moment as timestamptz;
  create domain doc as json;
  create domain docb as jsonb;
  create domain blob as bytea;
  create domain ints as int[];
  create domain home as address;
  create domain positive_twice as positive;
  create type floatrange as range (subtype = float8);
  create type textrange as range (subtype = text);
`

const CONTROL = Array.from({ length: 31 }, (_, i) => `\\x${(i + 1).toString(16).padStart(2, '0')}`).join('')
const HARD_TEXT = [
  `''`,
  `'plain'`,
  `'NULL'`,
  `'null'`,
  `' white  space '`,
  `'"quotes" ''single'' \\ back\\slash / and \\u0041'`,
  `E'${CONTROL}\\x7f'`,
  `E'line\\nbreak\\r\\ttab'`,
  `U&'\\2028\\2029\\FEFF\\FFFD\\FFFF\\0300'`,
  `'emoji 🎉👩‍👩‍👧 Ünïcödé 漢字 𝔘'`,
  `'{a,b}'`,
  `'(a,b)'`,
  `'a=>b'`,
  `repeat('long é', 2000)`,
]
const JSON_TEXT = [
  `'null'`,
  `'true'`,
  `' [ ] '`,
  `'{ }'`,
  `'"text"'`,
  `'{"b": 1, "a": [1, 2.50, {"c" : null}], "": "", "aa": 1e5, "é": 1, "zz": {} }'`,
  `'{"dup":1,"dup":{"x":1},"dup":[2]}'`,
  `'{"b":1,"a":2,"ab":3,"é":4,"漢":5,"😀":6,"\uffff":7,"Z":8}'`,
  `'[123456789012345678901234567890.123456789012345678901234567890, -0, -0.0, 1.50e1, 1E400, 1e-30, 0e5, -1e-2, 100e-2]'`,
  `'"\\u00e9\\ud83d\\ude00 \\/ \\" \\\\ \\b\\f\\n\\r\\t \\u001f \\u2028"'`,
  `'{"a b": "c  d", "x": [ "  ", " , : " ]}'`,
  `(repeat('[', 3000) || repeat(']', 3000))`,
  `(repeat('{"a": [', 1000) || '1' || repeat(']}', 1000))`,
]
const TIMES = [
  `'2026-01-13 23:12:52.205785'`,
  `'2026-01-13 23:12:52'`,
  `'2026-01-13 23:12:52.5'`,
  `'infinity'`,
  `'-infinity'`,
  `'0044-03-15 12:00:00.25 BC'`,
  `'4713-01-01 00:00:00 BC'`,
  `'0001-01-01 00:00:00'`,
  `'10000-01-01 00:00:00'`,
  `'294276-12-31 23:59:59.999999'`,
  `'epoch'`,
]
const NUMERICS = [
  `0`,
  `-0.0`,
  `1234567890123456789012345678901234567890.1234567890123456789012345678901234567890`,
  `'1e-16383'`,
  `'-1.5e-16000'`,
  `'9e131071'`,
  `1.00000`,
  `-12345678901234567890`,
  `'NaN'`,
  `'Infinity'`,
  `'-Infinity'`,
]
const FLOATS = [
  `0`,
  `'-0'`,
  `1.5`,
  `-1e20`,
  `1e15`,
  `1e16`,
  `1e-7`,
  `-1.2345678e-30`,
  `0.1`,
  `'NaN'`,
  `'Infinity'`,
  `'-Infinity'`,
]

/** A type and texts of SQL that give values of it; the test adds NULL. */
export const TYPES: readonly (readonly [type: string, values: readonly string[]])[] = [
  ['bool', ['true', 'false']],
  ['int2', ['-32768', '0', '32767']],
  ['int4', ['-2147483648', '0', '2147483647']],
  ['int8', ['-9223372036854775808', '9007199254740993', '9223372036854775807']],
  ['numeric', NUMERICS],
  ['numeric(10,2)', ['0', '12345678.90', '-0.01', `'NaN'`]],
  ['float4', [...FLOATS, '3.4028235e38', '1e-45']],
  ['float8', [...FLOATS, '1.7976931348623157e308', '5e-324', '123456789012345.6']],
  ['money', ['12.5', '-1234567.89']],
  ['text', HARD_TEXT],
  ['varchar(20)', [`'short'`, `'ü"'`]],
  ['char(8)', [`'pad'`, `'"'`]],
  ['"char"', [`'a'`, `''`, `'"'`]],
  ['name', [`'a "name"'`]],
  ['bytea', [`''`, `'\\x00ff5c22'`, `'plain \\\\ text'`]],
  ['date', [`'2026-01-13'`, `'infinity'`, `'-infinity'`, `'0044-03-15 BC'`, `'5874897-12-31'`, `'0001-01-01'`]],
  ['time', [`'23:59:59.999999'`, `'24:00'`]],
  ['timetz', [`'12:00+05:30'`, `'12:00-00:30'`, `'12:00:00.5+00'`]],
  ['timestamp', TIMES],
  ['timestamp(0)', [`'2026-01-13 23:12:52.7'`]],
  ['timestamptz', TIMES.map((time) => (/[yh]'$/.test(time) ? time : `${time}::timestamp at time zone 'UTC'`))],
  ['interval', [`'1 year -2 months 3 days 04:05:06.789'`, `'-1 day'`, `'0'`, `'178000000 years'`]],
  ['uuid', [`'5c2b8b1e-7a53-4e0e-9f66-0d7b3f2c1a11'`]],
  ['json', JSON_TEXT],
  ['jsonb', JSON_TEXT],
  ['jsonpath', [`'$.a[*] ? (@.b > 1)'`]],
  ['xml', [`'<a b="c">&lt;é</a>'`]],
  ['inet', [`'192.168.0.1/24'`, `'::1'`]],
  ['cidr', [`'10.0.0.0/8'`, `'2001:db8::/32'`]],
  ['macaddr', [`'08:00:2b:01:02:03'`]],
  ['macaddr8', [`'08:00:2b:01:02:03:04:05'`]],
  ['bit(5)', [`B'10101'`]],
  ['varbit', [`B''`, `B'0011'`]],
  ['tsvector', [`'a:1A ''it''''s'':2 "q":3'`]],
  ['tsquery', [`'a & !b | ''it''''s'''`]],
  ['point', [`'(1,-2.5)'`, `'(1e300,NaN)'`]],
  ['line', [`'{1,2,3}'`]],
  ['lseg', [`'[(1,2),(3,4)]'`]],
  ['box', [`'(3,4),(1,2)'`]],
  ['path', [`'((1,2),(3,4))'`, `'[(1,2),(3,4)]'`]],
  ['polygon', [`'((1,2),(3,4),(5,6))'`]],
  ['circle', [`'<(1,2),3>'`]],
  ['oid', ['0', '4294967295']],
  ['regclass', [`'pg_class'`, `0`]],
  ['regtype', [`'"char"'`, `'int4[]'`]],
  ['regproc', [`'now'`]],
  ['regprocedure', [`'lower(text)'`]],
  ['regnamespace', [`'pg_catalog'`]],
  ['regrole', [`'postgres'`]],
  ['xid', [`'4294967295'`]],
  ['xid8', [`'18446744073709551615'`]],
  ['cid', [`'7'`]],
  ['tid', [`'(1,2)'`]],
  ['pg_lsn', [`'16/B374D848'`]],
  ['pg_snapshot', [`'10:20:10,14,15'`]],
  ['txid_snapshot', [`'10:20:10,14,15'`]],
  ['int2vector', [`'1 2 3'`, `''`]],
  ['oidvector', [`'1 4294967295'`, `''`]],
  ['int4range', [`'[1,5)'`, `'empty'`, `'(,)'`]],
  ['int8range', [`'[-9223372036854775808,]'`]],
  ['numrange', [`'[1.50,2)'`, `'(,NaN]'`]],
  ['daterange', [`'[2020-01-01,infinity)'`, `'[0044-03-15 BC,)'`]],
  ['tsrange', [`'[2020-01-01 10:00,2021-01-01)'`]],
  ['tstzrange', [`'[2020-01-01 10:00+00,infinity]'`]],
  ['int4multirange', [`'{}'`, `'{[1,3),[5,9)}'`]],
  ['tstzmultirange', [`'{[2020-01-01 10:00+00,2021-01-01 10:00+00)}'`]],
  ['floatrange', [`'[1e20,Infinity]'`]],
  ['textrange', [`'["a ""b"" \\\\ c","d,e")'`]],
  ['mood', [`'ok'`, `'so "so"'`, `'naïve, {x}'`, `''`]],
  ['positive', ['7']],
  ['positive_twice', ['8']],
  ['label', HARD_TEXT],
  ['flag', ['true', 'false']],
  ['amount', ['12.5', `'NaN'`]],
  ['ratio', [`'1e20'`, `'NaN'`, `'-Infinity'`, `'-0'`]],
  ['moment', TIMES.map((time) => (/[yh]'$/.test(time) ? time : `${time}::timestamp at time zone 'UTC'`))],
  ['doc', JSON_TEXT],
  ['docb', JSON_TEXT],
  ['blob', [`''`, `'\\x00ff'`]],
  ['ints', [`'{1,2,NULL}'`, `'{}'`]],
  ['home', [`row('a', 1, 'é', true, '"')`]],
  ['blank', ['row()']],
  ['lone', ['row(null)', `row('')`, `row('x,"y"')`]],
  [
    'address',
    [
      `row('1 "Main" St, \\ (x)', 12345, '', false, null)`,
      'row(null, null, null, null, null)',
      `row('', 0, ' ', true, 'q')`,
    ],
  ],
  [
    'person',
    [
      `row('Ann', row('a"b', 1, null, true, ''), array['x', null, 'NULL', '', 'a"b\\c', '{}'], '0044-03-15 10:00+00 BC',
         '{"b": 1e2, "a": 2, "b": 3}', '{"x": [1, 2]}', 'NaN', '1e20', '2026-01-13',
         array[row('s', 1, 'n', false, 'q')::address, null, row('', null, null, null, '"\\')::address], '\\x5c22', 'so "so"')`,
      'row(null, null, null, null, null, null, null, null, null, null, null, null)',
    ],
  ],
  ['bool[]', [`'{t,f,NULL}'`]],
  [
    'int4[]',
    [
      `'{}'`,
      `'{1}'`,
      `'{1,NULL,3}'`,
      `'{{1,2},{3,NULL}}'`,
      `'[0:2]={1,2,3}'`,
      `'[-1:0][5:6]={{1,2},{3,4}}'`,
      `'{{{1},{2}},{{3},{4}}}'`,
    ],
  ],
  ['int8[]', [`'{9223372036854775807,-9223372036854775808}'`]],
  ['numeric[]', [`'{1e-10,NaN,Infinity,-Infinity,12345678901234567890.10}'`]],
  ['float8[]', [`'{1e20,1e-7,NaN,Infinity,-0}'`]],
  [
    'text[]',
    [
      `array['', 'NULL', null, 'null', 'a,b', '{x}', 'say "hi"', 'back\\slash', ' pad ', E'new\\nline\\x01', 'é漢🎉', '[1:2]=']`,
      `array[['a', 'b'], ['c', null]]`,
    ],
  ],
  ['varchar(5)[]', [`'{a,"b c"}'`]],
  ['char(3)[]', [`'{a,"b"}'`]],
  ['bytea[]', [`array['\\x00ff'::bytea, '\\x'::bytea, null]`]],
  ['date[]', [`'{2026-01-13,infinity,"0044-03-15 BC"}'`]],
  ['timestamp[]', [`'{2026-01-13 10:00,-infinity,"0044-03-15 10:00 BC"}'`]],
  ['timestamptz[]', [`'{2026-01-13 10:00+00,infinity,"0044-03-15 10:00+00 BC"}'`]],
  ['json[]', [`array['{"b":1,"a":2, "b": 3}'::json, null, '"x"', '[1, 2]']`]],
  ['jsonb[]', [`array['{"b":1,"a":2}'::jsonb, null, '" "', '{"x": "}{\\""}']`]],
  ['uuid[]', [`'{5c2b8b1e-7a53-4e0e-9f66-0d7b3f2c1a11,NULL}'`]],
  ['box[]', [`'{(3,4),(1,2);(5,6),(0,0)}'`]],
  ['point[]', [`'{"(1,2)","(3,4)"}'`]],
  ['int2vector[]', [`array['1 2'::int2vector, '3'::int2vector]`]],
  ['oid[]', [`'{1,2}'`]],
  ['mood[]', [`array['ok', 'so "so"', 'naïve, {x}', '', null]::mood[]`]],
  ['positive[]', [`'{1,NULL}'`]],
  ['label[]', [`array['a"b', null]::label[]`]],
  ['amount[]', [`array[1.5, 'NaN']::amount[]`]],
  ['address[]', [`array[row('a,"b"', 1, null, true, '\\')::address, null]`, `array[]::address[]`]],
  ['home[]', [`array[row('a', 1, 'é', true, '"')::home]`]],
  [
    'person[]',
    [
      `array[row('Ann', row('a"b', 1, null, true, ''), array['x"\\'], null, '{"a": "\\"\\\\"}', '{"x": "\\"\\\\"}', 1, 2, null,
         array[row('s"\\', 1, 'n', false, 'q')::address], null, null)::person]`,
    ],
  ],
  ['tstzrange[]', [`array['[2020-01-01 10:00+00,infinity]'::tstzrange, null]`]],
  ['int4multirange[]', [`array['{[1,3),[5,9)}'::int4multirange]`]],
  ['interval[]', [`array['1 day 02:03:04'::interval]`]],
  ['hstore', [`''`, `'b=>1, aa=>NULL, a=>"x \\"q\\" \\\\ ", "é"=>"", "NULL"=>"NULL"'`, `'"a,b"=>"c=>d"'`]],
  ['hstore[]', [`array['a=>"x\\"y"'::hstore, null]`]],
  ['citext', [`'MiXed "q"'`]],
  ['ltree', [`'a.b.c'`]],
  ['cube', [`'(1,2),(3,4)'`]],
  ['isbn13', [`'978-3-16-148410-0'`]],
  ['seg', [`'1.5 .. 2'`]],
]
