const SECRET_FLAGS = new Set(['--secret', '--database-url'])
const PASSWORD = /(:\/\/[^:@/?#]*):[^@]*@/
const PASSWORD_PARAMETER = /([?&](?:password|sslpassword)=)[^&]*/gi

/**
 * Arguments of a command line with what is secret in them replaced by `***`; the very same array where nothing is.
 *
 * `['run', '--database-url', 'postgres://app:x@db/app']` -> `['run', '--database-url', 'postgres://app:***@db/app']`
 */
export function maskArguments(args: readonly string[]): readonly string[] {
  const masked = args.map((arg, at) => {
    const [, flag, value] = /^(--[a-z-]+)=(.*)$/s.exec(arg) ?? []
    if (flag !== undefined && value !== undefined) return `${flag}=${maskValue(flag, value)}`
    return maskValue(args[at - 1] ?? '', arg)
  })
  return masked.every((arg, at) => arg === args[at]) ? args : masked
}

function maskValue(flag: string, value: string): string {
  if (!SECRET_FLAGS.has(flag)) return value
  return flag === '--secret' ? '***' : value.replace(PASSWORD, '$1:***@').replace(PASSWORD_PARAMETER, '$1***')
}
