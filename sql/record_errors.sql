insert into hookd.errors (id, kind, event, table_name, row_key, lsn, subscriber_id, message)
select *
from unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::pg_lsn[], $7::uuid[], $8::text[]
)
on conflict (id) do nothing
