import { DURATION_EXAMPLES, parseDuration } from './duration.ts'
import { parseListen } from './listen.ts'
import type { ListenAddress } from './listen.ts'
import { SIZE_EXAMPLES, parseSize } from './size.ts'

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const LOG_FORMATS = ['json', 'pretty'] as const
const PLUGINS = ['auto', 'wal2json', 'pgoutput'] as const

/** What the daemon and the commands were asked to do. */
export interface Options {
  readonly databaseUrl: string | null
  readonly config: string
  readonly plugin: (typeof PLUGINS)[number]
  readonly slot: string
  readonly publication: string
  /** Ask for a slot that standbys keep a copy of. */
  readonly failoverSlot: boolean
  readonly listen: ListenAddress | null
  readonly dryRun: boolean
  readonly once: boolean
  readonly acceptGap: boolean
  readonly drainTimeoutMs: number
  /** Null: by the cores of the machine. */
  readonly senders: number | null
  /** 0 leaves the server's own setting. */
  readonly walSenderTimeoutMs: number
  readonly statusIntervalMs: number
  /** Null: `delivery.max_payload` of hookd.yaml. */
  readonly maxPayloadBytes: number | null
  /** Null: `delivery.retention` of hookd.yaml. */
  readonly retentionMs: number | null
  readonly logLevel: (typeof LOG_LEVELS)[number]
  readonly logFormat: (typeof LOG_FORMATS)[number]
}

/** One option, as `--help` and the README show it. */
export interface OptionSpec<T = unknown> {
  /** `--slot` */
  readonly flag: `--${string}`
  /** `<name>`; null for a switch. */
  readonly argument: string | null
  /** Environment variables; the first one that is set counts, and a flag beats them. */
  readonly env: readonly string[]
  /** As one would write it; null where there is none or `defaultNote` says where it comes from. */
  readonly default: string | null
  readonly defaultNote?: string
  /** What it does, and what its special values mean. */
  readonly description: string
  /** Whether `hookd run` alone has it. */
  readonly runOnly: boolean
  /** What a value must be, for the message about a bad one. */
  readonly expected: string
  /** The value, or null for a bad one. */
  readonly parse: (text: string) => T | null
}

/** Every option: the one place that `--help`, the README and `resolveOptions` read them from. */
export const OPTIONS: { readonly [K in keyof Options]: OptionSpec<Options[K]> } = {
  databaseUrl: {
    flag: '--database-url',
    argument: '<url>',
    env: ['HOOKD_DATABASE_URL', 'DATABASE_URL'],
    default: null,
    description:
      'the database to read, postgres://user:password@host:port/name, or host:port,host:port for a primary and its standbys; prefer the environment, since other users of a machine can list flags',
    runOnly: false,
    expected: 'a URL that starts with postgres://',
    parse: (text) => (/^postgres(ql)?:\/\/./.test(text) ? text : null),
  },
  config: {
    flag: '--config',
    argument: '<file>',
    env: ['HOOKD_CONFIG'],
    default: 'hookd.yaml',
    description: 'the file that declares the events',
    runOnly: false,
    expected: 'a file name',
    parse: (text) => text,
  },
  plugin: {
    flag: '--plugin',
    argument: '<name>',
    env: ['HOOKD_PLUGIN'],
    default: 'auto',
    description:
      'logical decoding plugin: wal2json, pgoutput, or auto: wal2json where the server has it, else pgoutput',
    runOnly: false,
    expected: PLUGINS.join(', '),
    parse: oneOf(PLUGINS),
  },
  slot: {
    flag: '--slot',
    argument: '<name>',
    env: ['HOOKD_SLOT'],
    default: 'hookd',
    description: 'replication slot; two daemons with the same slot are active and standby',
    runOnly: false,
    expected: 'at most 63 lower-case letters, digits and underscores',
    parse: (text) => (/^[a-z0-9_]{1,63}$/.test(text) ? text : null),
  },
  publication: {
    flag: '--publication',
    argument: '<name>',
    env: ['HOOKD_PUBLICATION'],
    default: null,
    defaultNote: 'the name of the slot',
    description: 'publication that hookd creates and keeps, under pgoutput only',
    runOnly: false,
    expected: 'at most 63 bytes',
    parse: (text) => (Buffer.byteLength(text) <= 63 && !text.includes('\0') ? text : null),
  },
  failoverSlot: {
    flag: '--failover-slot',
    argument: null,
    env: ['HOOKD_FAILOVER_SLOT'],
    default: 'false',
    description: 'let standbys keep a copy of the slot, so that it outlives a failover; needs PostgreSQL 17',
    runOnly: false,
    expected: 'true or false',
    parse: parseSwitch,
  },
  listen: {
    flag: '--listen',
    argument: '<host:port>',
    env: ['HOOKD_LISTEN'],
    default: null,
    description: 'serve /healthz, /readyz and /metrics, for instance on 127.0.0.1:9464; port 0 takes a free one',
    runOnly: true,
    expected: 'host:port, such as 127.0.0.1:9464 or [::1]:9464',
    parse: parseListen,
  },
  dryRun: {
    flag: '--dry-run',
    argument: null,
    env: ['HOOKD_DRY_RUN'],
    default: 'false',
    description: 'print what would be sent; send nothing, confirm nothing',
    runOnly: true,
    expected: 'true or false',
    parse: parseSwitch,
  },
  once: {
    flag: '--once',
    argument: null,
    env: ['HOOKD_ONCE'],
    default: 'false',
    description: 'send what is there now, then exit',
    runOnly: true,
    expected: 'true or false',
    parse: parseSwitch,
  },
  acceptGap: {
    flag: '--accept-gap',
    argument: null,
    env: ['HOOKD_ACCEPT_GAP'],
    default: 'false',
    description: 'go on after a lost slot although changes are missing; for one start only',
    runOnly: true,
    expected: 'true or false',
    parse: parseSwitch,
  },
  drainTimeoutMs: {
    flag: '--drain-timeout',
    argument: '<duration>',
    env: ['HOOKD_DRAIN_TIMEOUT'],
    default: '10s',
    description: 'how long requests in flight may take to finish after SIGTERM; 0s cuts them off',
    runOnly: true,
    expected: `a duration up to 1h, such as ${DURATION_EXAMPLES}`,
    parse: (text) => within(parseDuration(text), 0, 3_600_000),
  },
  senders: {
    flag: '--senders',
    argument: '<number>',
    env: ['HOOKD_SENDERS'],
    default: null,
    defaultNote: 'two less than the cores, at most 4',
    description: 'threads that send; 0 sends from the thread that reads the slot',
    runOnly: true,
    expected: 'a whole number from 0 to 32',
    parse: (text) => (/^\d{1,2}$/.test(text) ? within(Number(text), 0, 32) : null),
  },
  walSenderTimeoutMs: {
    flag: '--wal-sender-timeout',
    argument: '<duration>',
    env: ['HOOKD_WAL_SENDER_TIMEOUT'],
    default: '2s',
    description: "when Postgres gives up a silent hookd, which a standby waits for; 0s keeps the server's own setting",
    runOnly: true,
    expected: '0s or a duration from 1s to 10m',
    parse: (text) => (parseDuration(text) === 0 ? 0 : within(parseDuration(text), 1000, 600_000)),
  },
  statusIntervalMs: {
    flag: '--status-interval',
    argument: '<duration>',
    env: ['HOOKD_STATUS_INTERVAL'],
    default: '500ms',
    description: 'how often hookd tells Postgres its position; at most a third of --wal-sender-timeout',
    runOnly: true,
    expected: 'a duration from 50ms to 10s',
    parse: (text) => within(parseDuration(text), 50, 10_000),
  },
  maxPayloadBytes: {
    flag: '--max-payload',
    argument: '<size>',
    env: ['HOOKD_MAX_PAYLOAD'],
    default: null,
    defaultNote: '1MiB',
    description: 'a larger body becomes a dead letter; beats delivery.max_payload of the file',
    runOnly: true,
    expected: `a size from 1KiB to 64MiB, such as ${SIZE_EXAMPLES}`,
    parse: (text) => within(parseSize(text), 1024, 64 * 1024 ** 2),
  },
  retentionMs: {
    flag: '--retention',
    argument: '<duration>',
    env: ['HOOKD_RETENTION'],
    default: null,
    defaultNote: '7d',
    description: 'how long settled deliveries are kept; beats delivery.retention of the file',
    runOnly: true,
    expected: `a duration from 1m to 3650d, such as ${DURATION_EXAMPLES}`,
    parse: (text) => within(parseDuration(text), 60_000, 3650 * 86_400_000),
  },
  logLevel: {
    flag: '--log-level',
    argument: '<level>',
    env: ['HOOKD_LOG_LEVEL'],
    default: 'info',
    description: `least level to log: ${LOG_LEVELS.join(', ')}`,
    runOnly: false,
    expected: LOG_LEVELS.join(', '),
    parse: oneOf(LOG_LEVELS),
  },
  logFormat: {
    flag: '--log-format',
    argument: '<format>',
    env: ['HOOKD_LOG_FORMAT'],
    default: 'json',
    description: 'json, or pretty for people',
    runOnly: false,
    expected: LOG_FORMATS.join(', '),
    parse: oneOf(LOG_FORMATS),
  },
}

function oneOf<T extends string>(values: readonly T[]): (text: string) => T | null {
  return (text) => values.find((value) => value === text) ?? null
}

function within(value: number | null, min: number, max: number): number | null {
  return value !== null && value >= min && value <= max ? value : null
}

function parseSwitch(text: string): boolean | null {
  if (/^(true|1|yes|on)$/i.test(text)) return true
  return /^(false|0|no|off)$/i.test(text) ? false : null
}
