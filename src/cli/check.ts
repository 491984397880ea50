import { styleText } from 'node:util'
import type { Command } from 'commander'
import { formatProblems } from '../config/format-problems.ts'
import type { Options } from '../config/option-table.ts'
import { resolveOptions } from '../config/options.ts'
import { warning, type Finding } from '../postgres/finding.ts'
import type { CheckedFile } from './check/file.ts'
import { addFlags, addOptions } from './flags.ts'

interface Report {
  readonly findings: readonly Finding[]
  readonly file: CheckedFile
}

/** `hookd check`: everything that has to be right before `hookd run`, with the statements that mend what is not. */
export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .summary('look over server, privileges and hookd.yaml')
    .description(
      'look over the server, the slot, the privileges and hookd.yaml; print what mends each finding; exit 1 on errors',
    )
    .action(async (flags: { json?: boolean }) => {
      const { findings, file } = await check(resolveOptions({ ...flags }))
      const all = [...findings, ...file.findings]
      const failed = all.some(({ level }) => level === 'error')
      if (flags.json === true) console.log(JSON.stringify({ ok: !failed, findings: all }, null, 2))
      else process.stdout.write(describe(findings, file))
      if (failed) process.exitCode = 1
    })
  addOptions(command, ['databaseUrl', 'config', 'plugin', 'slot', 'publication', 'failoverSlot'])
  addFlags(command, [{ flag: '--json', description: 'print JSON' }])
}

async function check(options: Options): Promise<Report> {
  if (options.databaseUrl !== null) {
    const { checkDatabase } = await import('./check/database.ts')
    return checkDatabase(options)
  }
  const { checkFile } = await import('./check/file.ts')
  const message = 'no database was named, so that only the file was checked'
  const findings = [warning('HOOKD_NO_DATABASE_URL', message, 'Set DATABASE_URL, or pass --database-url.')]
  return { findings, file: await checkFile(options.config, null) }
}

const MARKS = { ok: 'green', warning: 'yellow', error: 'red' } as const

function describe(findings: readonly Finding[], { findings: ofFile, problems, warnings }: CheckedFile): string {
  const isExplained = problems.length + warnings.length > 0
  const shown = isExplained ? findings : [...findings, ...ofFile]
  const blocks = [...problems, ...warnings].length > 0 ? `\n${formatProblems([...problems, ...warnings])}\n` : ''
  const all = [...findings, ...ofFile]
  const count = (level: Finding['level'], word: string): string => {
    const number = all.filter((finding) => finding.level === level).length
    return `${number} ${word}${number === 1 ? '' : 's'}`
  }
  return `${shown.map(formatFinding).join('')}${blocks}\n${count('error', 'error')}, ${count('warning', 'warning')}\n`
}

function formatFinding({ level, message, fix }: Finding): string {
  const indent = ' '.repeat(9)
  const line = `${styleText(MARKS[level], level.padEnd(7))}  ${message.replaceAll('\n', `\n${indent}`)}\n`
  return fix === null ? line : `${line}${indent}${fix.replaceAll('\n', `\n${indent}`)}\n`
}
