-- Stores deliveries that came from the slot, with what has become of them so far. A delivery that is there already
-- (the WAL was read twice) keeps its state, unless this one knows of more attempts and nobody had it sent again.
insert into hookd.deliveries as d
  (id, message_id, variant, event, subscriber_id, row_key, old_row_key, commit_lsn, lsn, ordinal, declared_event,
   state, attempts, next_attempt_at, last_status, last_error, last_class, url, batch_id, settled_at)
select id, message_id, variant, event, subscriber_id, row_key, old_row_key, commit_lsn, lsn, ordinal, declared_event,
  state, attempts, to_timestamp(next_attempt_ms / 1000), last_status, last_error, last_class, url, batch_id,
  case when state <> 'pending' then now() end
from unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::pg_lsn[], $9::pg_lsn[],
  $10::int[], $11::text[], $12::text[], $13::int[], $14::float8[], $15::int[], $16::text[], $17::text[], $18::text[], $19::uuid[]
) as new (
  id, message_id, variant, event, subscriber_id, row_key, old_row_key, commit_lsn, lsn,
  ordinal, declared_event, state, attempts, next_attempt_ms, last_status, last_error, last_class, url, batch_id
)
on conflict (id) do update
set state = excluded.state,
  attempts = excluded.attempts,
  next_attempt_at = excluded.next_attempt_at,
  last_status = excluded.last_status,
  last_error = excluded.last_error,
  last_class = excluded.last_class,
  url = excluded.url,
  batch_id = excluded.batch_id,
  settled_at = excluded.settled_at,
  updated_at = now()
where d.state = 'pending' and d.replayed = 0 and excluded.attempts > d.attempts
