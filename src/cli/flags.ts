import { type Command, InvalidArgumentError, Option } from 'commander'
import { OPTIONS, type Options, type OptionSpec } from '../config/option-table.ts'
import { switchedOn } from '../config/switches.ts'

/** An option of one command, besides those that `OPTIONS` has. */
export interface Flag {
  /** `--state <name>`; without an argument it is a switch. */
  readonly flag: string
  readonly description: string
  /** Which values there are, where they are few. */
  readonly choices?: readonly string[]
  readonly default?: string
  /** May be given more than once; the value is a list. */
  readonly repeatable?: boolean
  /** Throws InvalidArgumentError for a bad value. */
  readonly parse?: (text: string) => unknown
}

/** A switch that an environment variable can turn on too. */
class Switch extends Option {
  readonly variable: string

  constructor(flag: string, description: string, variable: string) {
    super(flag, `${description} (env: ${variable})`)
    this.variable = variable
  }
}

/** Adds options that the daemon has too; what they default to and which variables set them stands in their text. */
export function addOptions(command: Command, names: readonly (keyof Options)[]): Command {
  for (const name of names) command.addOption(sharedOption(name, OPTIONS[name]))
  return command
}

function sharedOption(name: keyof Options, spec: OptionSpec): Option {
  const standard = spec.default ?? spec.defaultNote
  const notes = [...(standard === undefined ? [] : [`default: ${standard}`]), `env: ${spec.env.join(', ')}`]
  const flag = spec.argument === null ? spec.flag : `${spec.flag} ${spec.argument}`
  const option = new Option(flag, `${spec.description} (${notes.join('; ')})`)
  if (spec.argument === null || name === 'databaseUrl') return option // a bad URL is not repeated, it may hold a password
  return option.argParser((text) => {
    if (spec.parse(text) === null) throw new InvalidArgumentError(`It must be ${spec.expected}.`)
    return text
  })
}

/** Adds the command's own options. Each has a variable: `--max-count` is HOOKD_MAX_COUNT. */
export function addFlags(command: Command, flags: readonly Flag[]): Command {
  for (const flag of flags) command.addOption(ownOption(flag))
  return command
}

function ownOption({ flag, description, choices, parse, repeatable = false, ...rest }: Flag): Option {
  const [long = ''] = flag.split(' ')
  const variable = `HOOKD_${long.slice(2).replaceAll('-', '_').toUpperCase()}`
  if (!flag.includes(' ')) return new Switch(flag, description, variable)
  const option = new Option(flag, description).env(variable)
  if (rest.default !== undefined) option.default(rest.default)
  if (choices) option.choices(choices)
  if (parse) option.argParser(parse)
  if (repeatable) option.argParser((text: string, before: string[] | undefined) => [...(before ?? []), text])
  return option
}

/** Turns on the switches whose variable is set; for commander's `preAction`. */
export function readSwitches(command: Command): void {
  for (const option of command.options) {
    if (!(option instanceof Switch) || command.getOptionValue(option.attributeName()) !== undefined) continue
    if (switchedOn(option.variable)) command.setOptionValueWithSource(option.attributeName(), true, 'env')
  }
}

/** A whole number of at least `least`, for `Flag.parse`. */
export function wholeNumber(least = 0): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
  }
}

/** A UUID, for `Flag.parse`. */
export function uuid(text: string): string {
  if (/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return text
  throw new InvalidArgumentError('It must be a UUID such as 0f8fad5b-d9cb-469f-a165-70867728950e.')
}
