-- Every table a configuration can name and every type a column can have, in one statement and so in one snapshot.
with tables as (
  select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, c.relreplident, c.relispartition
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
),
-- The columns of the replica identity index, or of the primary key.
keys as (
  select t.oid, (
    select json_agg(a.attname order by k.position)
    from unnest(i.indkey) with ordinality as k (attnum, position)
    join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum = k.attnum
    where k.position <= i.indnkeyatts
  ) as columns
  from tables t
  join pg_catalog.pg_index i on i.indrelid = t.oid and i.indisvalid
    and case t.relreplident when 'i' then i.indisreplident when 'n' then false else i.indisprimary end
),
columns as (
  select a.attrelid as oid, json_agg(
    json_build_array(a.attname, a.atttypid::int8, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
      a.attgenerated <> '', a.attgenerated = 'v')
    order by a.attnum
  ) as columns
  from tables t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid
  where a.attnum > 0 and not a.attisdropped
  group by a.attrelid
),
roots as (
  select t.oid, rn.nspname || '.' || rc.relname as root
  from tables t
  join pg_catalog.pg_class rc on rc.oid = pg_catalog.pg_partition_root(t.oid)
  join pg_catalog.pg_namespace rn on rn.oid = rc.relnamespace
  where t.relispartition and t.relkind <> 'p'
),
fields as (
  select a.attrelid, json_agg(json_build_array(a.attname, a.atttypid::int8) order by a.attnum) as fields
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_class c on c.oid = a.attrelid and c.reltype <> 0
  where a.attnum > 0 and not a.attisdropped
  group by a.attrelid
)
select 'table' as entry, t.oid::int8, json_build_array(t.nspname, t.relname, t.relkind, t.relpersistence, t.relreplident,
    coalesce(k.columns, '[]'), r.root, coalesce(c.columns, '[]')) as facts
from tables t
left join keys k on k.oid = t.oid
left join columns c on c.oid = t.oid
left join roots r on r.oid = t.oid
union all
select 'type', t.oid::int8, json_build_array(t.typname,
    case
      when t.typtype = 'd' then 'domain'
      when t.typtype = 'c' then 'composite'
      when e.oid is not null then 'array'
      when t.typname = 'hstore' then 'hstore'
      else 'scalar'
    end,
    coalesce(e.oid, nullif(t.typbasetype, 0))::int8, e.typdelim, f.fields)
from pg_catalog.pg_type t
left join pg_catalog.pg_type e on e.oid = t.typelem and e.typarray = t.oid
left join fields f on f.attrelid = t.typrelid
