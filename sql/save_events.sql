-- Makes the catalog equal to the events of hookd.yaml.
with declared as (
  select *
  from unnest($1::text[], $2::boolean[], $3::text[], $4::jsonb[], $5::jsonb[], $6::text[], $7::text[], $8::boolean[])
    as d (name, manual, table_name, operations, fields, description, label, enabled)
), removed as (
  delete from hookd.events where name not in (select name from declared)
)
insert into hookd.events (name, manual, table_name, operations, fields, description, label, enabled)
select name, manual, table_name,
  array(select jsonb_array_elements_text(operations)), array(select jsonb_array_elements_text(fields)),
  description, label, enabled
from declared
on conflict (name) do update
set manual = excluded.manual, table_name = excluded.table_name, operations = excluded.operations,
  fields = excluded.fields, description = excluded.description, label = excluded.label, enabled = excluded.enabled,
  updated_at = now()
