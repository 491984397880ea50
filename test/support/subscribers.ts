import pg from 'pg'
import type { Database, Rows } from './postgres.ts'

export type SubscriberColumns = Readonly<Record<string, unknown>>

/** What Postgres says to whoever writes a bad row or calls a function wrongly. */
export interface Refusal {
  readonly code: string | undefined
  readonly message: string
  readonly hint: string | undefined
  readonly column: string | undefined
}

const VALID = { event: 'article.created', url: 'https://example.com/hook' }

/** Inserts a subscriber; event and URL have valid defaults, objects and arrays become JSON. */
export async function insertSubscriber(
  db: Pick<Database, 'query'>,
  columns: SubscriberColumns = {},
): Promise<Rows[number]> {
  const row = Object.entries({ ...VALID, ...columns })
  const names = row.map(([name]) => name).join(', ')
  const places = row.map((_, index) => `$${index + 1}`).join(', ')
  const values = row.map(([, value]) => (value !== null && typeof value === 'object' ? JSON.stringify(value) : value))
  const [inserted] = await db.query(`insert into hookd.subscribers (${names}) values (${places}) returning *`, values)
  return inserted
}

/** The refusal that a statement meets; fails where it is carried out. */
export async function refusalOf(statement: Promise<unknown>): Promise<Refusal> {
  try {
    await statement
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error
    const { code, message, hint, column } = error
    return { code, message, hint, column }
  }
  throw new Error('nothing was refused')
}
