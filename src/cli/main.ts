import { reportFailure } from './failure.ts'
import { maskArguments } from './mask.ts'
import { createProgram, withDefaultCommand } from './program.ts'

const args = process.argv.slice(2)
hideSecrets()
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit() // whoever read the output, such as head, has enough
})
process.stderr.on('error', () => undefined) // a log that cannot be written must not end the daemon
try {
  await createProgram().parseAsync(withDefaultCommand(args), { from: 'user' })
} catch (error) {
  process.exit(reportFailure(error))
}

/** Takes what is secret on the command line out of the process list, where it could be seen until now. */
function hideSecrets(): void {
  const masked = maskArguments(args)
  if (masked === args) return
  process.title = ['hookd', ...masked].join(' ')
  console.error(
    'warning: other users of this machine could see the secret on the command line; ' +
      'set DATABASE_URL or HOOKD_SECRET instead.',
  )
}
