import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../../src/config/load.ts'
import { BROKEN_SETTINGS } from './broken-settings.ts'
import { BROKEN_STRUCTURE } from './broken-structure.ts'
import { CATALOG } from './catalog.ts'

/** The text without its marks, and the 1-based line and column of each. */
function unmark(marked: string): { text: string; places: string[] } {
  const places: string[] = []
  let text = ''
  for (const character of marked) {
    const line = text.split('\n').length
    if (character === '¶') places.push(`${line}:${text.length - text.lastIndexOf('\n')}`)
    else text += character
  }
  return { text, places }
}

describe('a broken file is refused with the place and the fix:', () => {
  test.each([...BROKEN_STRUCTURE, ...BROKEN_SETTINGS])('$what', ({ text: marked, messages }) => {
    const { text, places } = unmark(marked)
    const { config, problems } = parseConfig(text, 'hookd.yaml', { catalog: CATALOG })

    expect(config).toBeNull()
    expect(problems.map(({ line, column }) => `${line}:${column}`)).toEqual(places)
    expect(problems.map(({ message }) => message)).toEqual(messages.map((core) => expect.stringContaining(core)))
    expect(new Set(problems.map(({ file }) => file))).toEqual(new Set(['hookd.yaml']))
  })
})
