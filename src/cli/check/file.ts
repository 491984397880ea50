import { type HookdConfig, parseConfig, readConfigText } from '../../config/load.ts'
import type { ConfigProblem } from '../../config/problems.ts'
import { HookdError } from '../../errors.ts'
import type { Catalog } from '../../postgres/catalog.ts'
import { failing, type Finding, ok, warning } from '../../postgres/finding.ts'

/** What came of reading hookd.yaml. */
export interface CheckedFile {
  readonly findings: readonly Finding[]
  /** The same as the findings, with their lines; none where the file could not be read. */
  readonly problems: readonly ConfigProblem[]
  readonly warnings: readonly ConfigProblem[]
  /** Null where it has problems. */
  readonly config: HookdConfig | null
}

/** Reads a configuration and reports everything that is wrong with it. */
export async function checkFile(fileName: string, catalog: Catalog | null): Promise<CheckedFile> {
  try {
    return check(await readConfigText(fileName), fileName, catalog)
  } catch (error) {
    if (!(error instanceof HookdError)) throw error
    const findings = [failing(error.code as Finding['code'], error.message, null)]
    return { findings, problems: [], warnings: [], config: null }
  }
}

function check(text: string, fileName: string, catalog: Catalog | null): CheckedFile {
  const { config, problems, warnings } = parseConfig(text, fileName, { catalog })
  const findings = [
    ...problems.map((problem) => failing('HOOKD_CONFIG_INVALID', locate(problem), null)),
    ...warnings.map((problem) => warning('HOOKD_CONFIG_DOUBTFUL', locate(problem))),
    ...(config === null ? [] : [ok('HOOKD_CONFIG_INVALID', `${fileName} declares ${countEvents(config)}`)]),
  ]
  return { findings, problems, warnings, config }
}

function locate({ file, line, column, message }: ConfigProblem): string {
  return `${file}:${line}:${column}  ${message}`
}

function countEvents({ events }: HookdConfig): string {
  return events.length === 1 ? '1 event' : `${events.length} events`
}
