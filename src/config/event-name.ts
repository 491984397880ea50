const SEGMENT = '[A-Za-z0-9_-]+'
const NAME = new RegExp(`^${SEGMENT}(\\.${SEGMENT})*$`)
const MAX_LENGTH = 255

/** What is wrong with the name of an event, which may be a template, with the fix; null for a good one. */
export function eventNameProblem(name: string): string | null {
  if (name.length > MAX_LENGTH)
    return `the name of an event has at most ${MAX_LENGTH} characters, this one has ${name.length}`
  if (name.includes('*')) return `"${name}" is a pattern, which subscribers use; declare events by their whole name`
  if (NAME.test(name.replace(/\{[^{}]*\}/g, 'x'))) return null
  return `"${name}" is not a name for an event; write letters, digits, "_" and "-", with dots between segments: article.created`
}

/** Whether a name holds `{column}`, so that each message has its own. */
export function isNameTemplate(name: string): boolean {
  return name.includes('{')
}
