import type pg from 'pg'

/** One query per kind of object; each gives lines in a fixed order, the same from every version of Postgres. */
const SECTIONS = [
  // Tables: columns in order, then constraints, storage, triggers and policies.
  `select 'table ' || c.relname || coalesce(' -- ' || obj_description(c.oid, 'pg_class'), '') as line
   from pg_class c where c.relnamespace = 'hookd'::regnamespace and c.relkind = 'r' order by 1`,
  `select c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
     || coalesce((select ' collate ' || quote_ident(collname) from pg_collation where oid = a.attcollation and collname <> 'default'), '')
     || case when a.attnotnull then ' not null' else '' end
     || case a.attidentity when '' then '' else ' identity ' || a.attidentity::text end
     || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
     || coalesce(' -- ' || col_description(c.oid, a.attnum), '') as line
   from pg_class c
   join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
   left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
   where c.relnamespace = 'hookd'::regnamespace and c.relkind = 'r' order by c.relname, a.attnum`,
  // PostgreSQL 18 also lists NOT NULL here.
  `select conrelid::regclass || ' constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line
   from pg_constraint where connamespace = 'hookd'::regnamespace and contype <> 'n' order by 1`,
  `select pg_get_indexdef(indexrelid) as line
   from pg_index where indrelid in (select oid from pg_class where relnamespace = 'hookd'::regnamespace) order by 1`,
  `select relname || ' with ' || array_to_string(reloptions, ', ') as line
   from pg_class where relnamespace = 'hookd'::regnamespace and reloptions is not null order by 1`,
  `select relname || ' replica identity ' || relreplident::text || case when relrowsecurity then ', row security' else '' end as line
   from pg_class where relnamespace = 'hookd'::regnamespace and relkind = 'r' order by 1`,
  `select pg_get_triggerdef(oid) as line
   from pg_trigger where tgrelid in (select oid from pg_class where relnamespace = 'hookd'::regnamespace) order by tgname`,
  `select 'type ' || t.typname || ' (' || string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' order by a.attnum) || ')' as line
   from pg_class c join pg_type t on t.typrelid = c.oid join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
   where c.relnamespace = 'hookd'::regnamespace and c.relkind = 'c' group by t.typname order by 1`,
  `select pg_get_functiondef(oid) || coalesce('-- ' || obj_description(oid, 'pg_proc') || e'\\n', '')
     || '-- privileges: ' || coalesce(replace(proacl::text, pg_get_userbyid(proowner), 'owner'), 'default') || e'\\n' as line
   from pg_proc where pronamespace = 'hookd'::regnamespace order by proname, oid::regprocedure::text`,
]

/** The schema `hookd` as the catalogs describe it: what a fresh installation ends up with, whichever way it got there. */
export async function dumpSchema(client: pg.ClientBase): Promise<string> {
  await client.query(`set search_path = ''`)
  const sections: string[] = []
  for (const section of SECTIONS) {
    const { rows } = await client.query<{ line: string }>(section)
    sections.push(rows.map(({ line }) => `${line}\n`).join(''))
  }
  return sections.join('\n')
}
