import { startHookd, type Log, type RunningHookd, type StartOptions } from '../../src/index.ts'
import { atEndOfFile } from './at-end.ts'
import type { Scene } from './scene.ts'

/** A daemon inside the test process, with what it has logged. */
export interface LibraryHookd extends RunningHookd {
  readonly lines: readonly { readonly level: keyof Log; readonly message: string; readonly fields: object }[]
  /** How many lines match. */
  said(pattern: RegExp): number
}

/** Starts it for a scene; stopped at the latest when the file ends. */
export function startLibraryHookd(scene: Scene, options: Partial<StartOptions> = {}): LibraryHookd {
  const { database, config, slot } = scene
  const lines: { level: keyof Log; message: string; fields: object }[] = []
  const at = (level: keyof Log) => (fields: object, message: string) => void lines.push({ level, message, fields })
  const log: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const hookd = startHookd({ databaseUrl: database.url, config, plugin: database.plugin, slot, log, ...options })
  hookd.ended.catch(() => {}) // a test that expects it to end looks itself
  atEndOfFile(() => hookd.stop().catch(() => {}))
  return {
    get ready() {
      return hookd.ready
    },
    ended: hookd.ended,
    reload: () => hookd.reload(),
    stop: () => hookd.stop(),
    lines,
    said: (pattern) =>
      lines.filter(({ message, fields }) => pattern.test(`${message} ${JSON.stringify(fields)}`)).length,
  }
}
