import { describe, expect, test } from 'vitest'
import { parseTemplate } from '../../../src/matching/template.ts'
import type { TemplateSource } from '../../../src/matching/template.ts'

const EVERYWHERE: TemplateSource[] = ['row', 'new', 'old', 'config']

const text = (value: string) => ({ kind: 'text', text: value })
const value = (from: TemplateSource, ...path: string[]) => ({ kind: 'value', from, path })

test.each([
  ['https://example.com/articles/{uuid}/', [text('https://example.com/articles/'), value('row', 'uuid'), text('/')]],
  ['created.{new.occasion}', [text('created.'), value('new', 'occasion')]],
  ['{old.state} to {new.state}', [value('old', 'state'), text(' to '), value('new', 'state')]],
  ['{config.tenant.id}', [value('config', 'tenant', 'id')]],
  ['{meta.author.name}', [value('row', 'meta', 'author', 'name')]],
  ['{new.meta.author}', [value('new', 'meta', 'author')]],
  ['{new}{old}', [value('row', 'new'), value('row', 'old')]],
  ['{"new".key}', [value('row', 'new', 'key')]],
  ['{"net.total"}', [value('row', 'net.total')]],
  ['{new."odd ""name"""}', [value('new', 'odd "name"')]],
  ['{"a}b"}', [value('row', 'a}b')]],
  ['plain', [text('plain')]],
  ['', []],
  ['{{"id": {id}}}', [text('{"id": '), value('row', 'id'), text('}')]],
  ['{{{id}}}', [text('{'), value('row', 'id'), text('}')]],
])('%s', (source, parts) => {
  expect(parseTemplate(source, { allow: EVERYWHERE })).toEqual({ value: { source, parts }, problem: null })
})

describe('what is wrong with a template', () => {
  test.each([
    ['a{b', '"a{b" has a lone "{"; write {column} for a value, "{{" for a brace'],
    ['a}b', '"a}b" has a lone "}"; write {column} for a value, "}}" for a brace'],
    ['{}', '"{}" is no reference; write {column}, {new.column} or {old.column}'],
    ['{a..b}', '"{a..b}" is no reference; write {column}, {new.column} or {old.column}'],
    ['{new.}', '"{new.}" is no reference; write {column}, {new.column} or {old.column}'],
  ])('%s', (source, problem) => {
    expect(parseTemplate(source, { allow: EVERYWHERE })).toEqual({ value: null, problem })
  })

  test('a source that is not at hand', () => {
    const rows: TemplateSource[] = ['row', 'new', 'old']
    expect(parseTemplate('{config.x}', { allow: rows }).problem).toBe(
      '"{config.x}" cannot be used here; write {column} or {new.column} or {old.column}',
    )
    expect(parseTemplate('{id}', { allow: ['config'] }).problem).toBe('"{id}" cannot be used here; write {config.key}')
  })
})
