import { pino } from 'pino'

/** Structured logging, as much of it as the stages use. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a log line must never show, wherever an object with such a key ends up in one. */
const SECRET_KEYS = ['hmac_secret', 'hmac_secret_old', 'secret', 'oldSecret', 'password', 'authorization', 'body']

export interface LogOptions {
  readonly level: string
  /** `pretty` is one readable line for a person; `json` one object for a collector. */
  readonly format: 'json' | 'pretty'
}

/** Writes to standard error, so that standard output belongs to what a command prints. */
export function createLog(options: LogOptions): Log {
  const redact = { paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`]), censor: '[redacted]' }
  const destination = options.format === 'json' ? jsonDestination() : prettyDestination()
  return pino({ level: options.level, base: null, redact, timestamp: pino.stdTimeFunctions.isoTime }, destination)
}

/** A full disk or a collector that is gone costs lines, not the daemon. */
function jsonDestination(): { write(line: string): void } {
  const destination = pino.destination({ fd: 2, sync: true })
  destination.on('error', () => undefined)
  return destination
}

const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

function prettyDestination(): { write(line: string): void } {
  return {
    write(line) {
      const { level, time, msg, ...fields } = JSON.parse(line) as { level: number; time: string; msg: string }
      const rest = Object.entries(fields).map(
        ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
      )
      process.stderr.write(`${time.slice(11, 23)} ${(LEVELS[level] ?? '').padEnd(5)} ${msg}${rest.join('')}\n`)
    },
  }
}
