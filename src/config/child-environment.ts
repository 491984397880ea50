/** What belongs to the parent's own database and hookd. */
const OWN = /^(HOOKD_|PG|DATABASE_URL$)/

/** The environment for a program that this process starts: its own, without settings of PostgreSQL and hookd, plus `more`. */
export function childEnvironment(
  more: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  return { ...Object.fromEntries(Object.entries(env).filter(([name]) => !OWN.test(name))), ...more }
}
