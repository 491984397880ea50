import type pg from 'pg'
import { failing, type Finding, ok } from '../../postgres/finding.ts'
import { quoteTable } from '../../postgres/quote.ts'
import type { RoleFacts } from '../../postgres/server.ts'
import { planPublication, type PublicationStep, readPublication } from '../../replication/publication.ts'
import type { TableName } from '../../replication/start-replication.ts'

/** Whether the publication holds what it has to, or the role may see to that. */
export async function checkPublication(
  client: pg.Client,
  name: string,
  { wanted, role, serverVersion }: { wanted: readonly TableName[]; role: RoleFacts; serverVersion: number },
): Promise<Finding[]> {
  const current = await readPublication(client, name)
  const steps = planPublication(name, wanted, { current, serverVersion })
  if (steps.length === 0) return [ok('HOOKD_PUBLICATION', `the publication "${name}" holds the tables of the events`)]
  const left = await stepsLeft(client, name, { steps, role })
  const what = current === null ? 'is still to be created' : 'differs from the file'
  if (left.length === 0) return [ok('HOOKD_PUBLICATION', `the publication "${name}" ${what}; hookd run sees to it`)]
  const message = `the publication "${name}" ${what}, and role ${role.name} may not do it`
  return [failing('HOOKD_PUBLICATION', message, `As the owner run:\n${left.map(({ sql }) => `${sql};`).join('\n')}`)]
}

/** What the role may not do: only the owner of a publication changes it, and only with tables of their own. */
async function stepsLeft(
  client: pg.Client,
  name: string,
  { steps, role }: { steps: readonly PublicationStep[]; role: RoleFacts },
): Promise<readonly PublicationStep[]> {
  if (role.superuser) return []
  const { rows } = await client.query<{ may: boolean }>(
    `select case when exists (select from pg_publication where pubname = $1)
         then (select pg_has_role(pubowner, 'usage') from pg_publication where pubname = $1)
         else $2 end
       and not exists (
         select from pg_class c where c.oid = any (select to_regclass(name) from unnest($3::text[]) as wanted (name))
           and not pg_has_role(c.relowner, 'usage')
       ) as may`,
    [name, role.createInDatabase, steps.flatMap(({ adds }) => (adds === null ? [] : quoteTable(adds)))],
  )
  return rows[0]!.may ? [] : steps
}
