import type { YAMLError } from 'yaml'

/** What the library's words mean for somebody who edits hookd.yaml. */
const FIXES: Partial<Record<YAMLError['code'], string>> = {
  BAD_SCALAR_START: 'this character has a meaning of its own in YAML; put the value in quotes',
  BAD_ALIAS: '"*" starts a YAML alias; put the value in quotes',
  BAD_DQ_ESCAPE: 'unknown escape in double quotes; write "\\\\" for a backslash, or use single quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " in one line; check the indentation, or put the value in quotes',
  MULTILINE_IMPLICIT_KEY: 'a key must end with ":" on its own line; check the indentation above',
  MULTIPLE_DOCS: 'a second document starts here; remove the "---"',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab cannot indent YAML; use spaces',
  TAG_RESOLVE_FAILED: 'YAML tags ("!…") are not supported; remove it, or put the value in quotes',
}

/** One sentence about a syntax error, with the fix where it is known. */
export function syntaxMessage(error: YAMLError): string {
  if (error.code === 'BAD_INDENT' && error.message.startsWith('Flow')) {
    return `the ${error.message.includes(']') ? '"[" above has no "]"' : '"{" above has no "}"'}; close it`
  }
  if (error.code === 'BAD_INDENT') return 'the indentation fits nothing above; align it with its neighbours'
  if (error.code === 'MISSING_CHAR' && error.message.includes('quote')) return 'the quote above is not closed; close it'
  if (error.code === 'UNEXPECTED_TOKEN' && /at node end/.test(error.message)) {
    return 'unexpected text after a value; put the whole value in quotes'
  }
  return FIXES[error.code] ?? `not valid YAML: ${error.message}`
}
