-- Keeps the bodies that stored deliveries need. A body never changes, so the first one stays.
insert into hookd.messages
  (id, variant, event, content_type, body, table_name, row_key, op, commit_lsn, lsn, ordinal, xid, committed_at,
   declared_event, headers)
select *
from unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::jsonb[], $8::text[],
  $9::pg_lsn[], $10::pg_lsn[], $11::int[], $12::bigint[], $13::timestamptz[],
  $14::text[], $15::jsonb[]
)
on conflict (id, variant) do nothing
