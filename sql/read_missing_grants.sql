-- What the current role may not do in the schema hookd and the daemon has to; no row where nothing is missing.
with needed (name, privileges) as (
  values
    ('migrations', '{SELECT}'::text[]),
    ('subscribers', '{SELECT}'),
    ('events', '{SELECT,INSERT,UPDATE,DELETE}'),
    ('messages', '{SELECT,INSERT,UPDATE,DELETE}'),
    ('deliveries', '{SELECT,INSERT,UPDATE,DELETE}'),
    ('attempts', '{SELECT,INSERT,UPDATE,DELETE}'),
    ('errors', '{SELECT,INSERT,UPDATE,DELETE}'),
    ('progress', '{SELECT,INSERT,UPDATE,DELETE}'),
    ('directory', '{SELECT,INSERT,UPDATE,DELETE}')
),
tables as (
  select c.oid, c.relname, n.oid as schema
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'hookd' and c.relkind = 'r'
)
select 'USAGE' as privileges, 'SCHEMA hookd' as object
from pg_catalog.pg_namespace
where nspname = 'hookd' and not has_schema_privilege(oid, 'USAGE')
union all
select string_agg(privilege, ', ' order by place), 'hookd.' || needed.name
from needed
join tables on tables.relname = needed.name
cross join unnest(needed.privileges) with ordinality as wanted (privilege, place)
where not has_table_privilege(tables.oid, privilege)
group by needed.name
union all
select 'UPDATE (disabled_at, disabled_reason)', 'hookd.subscribers'
from tables
where relname = 'subscribers'
  and not (has_column_privilege(oid, 'disabled_at', 'UPDATE') and has_column_privilege(oid, 'disabled_reason', 'UPDATE'))
