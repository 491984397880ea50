import { GOOD, event, file } from './broken-file.ts'
import type { BrokenFile } from './broken-file.ts'

const SYNTAX: readonly BrokenFile[] = [
  file('nothing', '¶', 'the file is empty; it must be a mapping with "events:", run "hookd init"'),
  file('a comment alone', '¶# soon\n', 'the file is empty'),
  file('a list', '¶- a\n', 'the file holds a list'),
  file('a word', '¶events\n', 'the file holds text'),
  file('a tab', 'events:\n¶\ta: 1\n', 'a tab cannot indent YAML; use spaces'),
  file('an open brace', 'events:\n  a: { table: article, on: insert\n  ¶b: 1\n', 'the "{" above has no "}"; close it'),
  file(
    'an open bracket',
    'events:\n  a:\n    on: [insert\n    ¶table: article\n',
    'the "[" above has no "]"; close it',
  ),
  file('an open quote', 'events:\n  a: { ref: "x }\n¶', 'the quote above is not closed'),
  file(
    'a bad indentation',
    'events:\n  a:\n    table: article\n¶   on: insert\n',
    'the indentation fits nothing above',
  ),
  file(
    'a reserved character',
    'events:\n  a: { table: ¶@article }\n',
    'a meaning of its own in YAML; put the value in quotes',
  ),
  file('a bad escape', 'events:\n  a: { ref: "¶\\q" }\n', 'unknown escape in double quotes'),
  file('a second document', `${GOOD}¶---\n${GOOD}`, 'a second document starts here; remove the "---"'),
  file('text after a brace', 'events:\n  a:\n    ref: {id}¶/x\n', 'put the whole value in quotes'),
  file('a colon in a value', 'events:\n  a:\n    ref: ¶x: y\n', 'a second ": " in one line'),
  file('a tag', 'events: { a.b: { table: ¶!ref article, on: insert } }\n', 'YAML tags ("!…") are not supported'),
  file('an unquoted pattern', 'events: { a.b: { table: article, on: insert, label: ¶*.created } }\n', 'a YAML alias'),
  file(
    'an alias of itself',
    'events: { a.b: { table: article, on: insert, when: &x { all: [¶*x] } } }\n',
    '"*x" stands for something that contains it',
  ),
  file('a key that is a mapping', `${GOOD}? ¶{ a: b }\n: 1\n`, 'a key must be plain text'),
  file(
    'a duplicate event',
    'events:\n  a.b: { table: article, on: insert }\n  ¶a.b: { table: article, on: update }\n',
    '"a.b" is declared twice; the first one is on line 2',
  ),
  file('a duplicate key', 'events: { a.b: { table: article, on: insert, ¶on: update } }\n', '"on" is declared twice'),
  file(
    'a slip before a syntax error',
    'delivery: { ¶timout: 5s }\nevents:\n  a: { ¶tabel: x, table: article, on: insert }\n  b: { on: [insert\n  ¶c: 1\n',
    'unknown key "timout" in "delivery"; did you mean "timeout"?',
    'unknown key "tabel" in event "a"',
    'the "[" above has no "]"',
  ),
]

const STRUCTURE: readonly BrokenFile[] = [
  file('an unknown section', `${GOOD}¶evnts: {}\n`, 'unknown key "evnts" in the file; did you mean "events"?'),
  file('no events', '¶delivery: { timeout: 5s }\n', 'the file needs "events:"'),
  file('an empty section', '¶events:\n', '"events" in the file is empty'),
  file('no event in it', '¶events: {}\n', '"events" declares none'),
  file('events as a list', 'events: ¶[a]\n', '"events" in the file must be a mapping, not a list'),
  file(
    'an empty event',
    'events:\n  ¶a.b:\n',
    'event "a.b" is empty; write a mapping such as {table: public.article, on: insert}',
  ),
  file('an event that is a word', 'events:\n  ¶a.b: insert\n', 'event "a.b" is text; write a mapping such as'),
  file('an unknown key', event('¶whne: { state: x }'), 'unknown key "whne" in event "a.b"; did you mean "when"?'),
  file('a merge key', event('¶<<: { ref: x }'), 'YAML merge keys ("<<") are not supported'),
  file('an empty key', event('¶when:'), '"when" in event "a.b" is empty; give it a value or remove it'),
  file('a name with a space', 'events: { ¶a b: { table: article, on: insert } }\n', '"a b" is not a name for an event'),
  file('a name with an empty segment', 'events: { ¶a..b: { table: article, on: insert } }\n', '"a..b" is not a name'),
  file('a pattern as a name', 'events: { ¶a.*: { table: article, on: insert } }\n', '"a.*" is a pattern'),
  file('a long name', `events: { ¶${'a'.repeat(256)}: { table: article, on: insert } }\n`, 'at most 255 characters'),
  file('no table', 'events: { ¶a.b: { on: insert } }\n', 'event "a.b" needs a "table", or "manual: true"'),
  file('no operation', 'events: { ¶a.b: { table: article } }\n', 'event "a.b" needs "on": insert, update'),
  file('neither', 'events: { ¶¶a.b: {} }\n', 'needs a "table"', 'needs "on"'),
  file('an empty list of operations', event('on: ¶[]', 'table: article'), '"on" in event "a.b" names no operation'),
  file(
    'an unknown operation',
    event('on: ¶updaet', 'table: article'),
    '"on" in event "a.b" cannot be "updaet"; did you mean "update"?',
  ),
  file(
    'an operation twice',
    event('on: [insert, ¶insert]', 'table: article'),
    '"insert" appears twice in "on" in event "a.b"',
  ),
  file(
    'a number as an operation',
    event('on: [¶1]', 'table: article'),
    '"on" in event "a.b" must hold text, not a number',
  ),
  file('a truncate among rows', event('on: ¶[truncate, delete]', 'table: article'), 'a truncate has no row; move it'),
  file(
    'a condition on a truncate',
    event('¶when: { id: 1 }', 'table: article, on: truncate'),
    '"when" in event "a.b" has no effect on a truncate',
  ),
  file(
    'a table for a manual event',
    event('¶table: article', 'manual: true'),
    '"table" in event "a.b" has no effect on a manual event',
  ),
  file('a text for a switch', event('enabled: ¶"yes"'), '"enabled" in event "a.b" must be true or false, not text'),
  file(
    'a number for a text',
    event('label: ¶5'),
    '"label" in event "a.b" must be text (in quotes if need be), not a number',
  ),
  file(
    'an owner of a broadcast',
    event('¶owner: id, broadcast: true'),
    '"owner" in event "a.b" has no effect beside "broadcast: true"',
  ),
  file(
    'skip_noop without updates',
    event('¶skip_noop: true', 'table: article, on: insert'),
    '"skip_noop" in event "a.b" has no effect without updates',
  ),
  file(
    'an unknown inclusion',
    event('include: [old, ¶new]'),
    '"include" in event "a.b" cannot be "new"; known: changed, old',
  ),
  file(
    'an unknown envelope',
    event('envelope: ¶flatt'),
    '"envelope" in event "a.b" cannot be "flatt"; did you mean "flat"?',
  ),
]

export const BROKEN_STRUCTURE = [...SYNTAX, ...STRUCTURE]
