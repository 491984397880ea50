-- Records what became of deliveries that the ledger holds. One that was cancelled or replayed meanwhile is left alone.
update hookd.deliveries as d
set state = new.state,
  attempts = new.attempts,
  next_attempt_at = to_timestamp(new.next_attempt_ms / 1000),
  last_status = new.last_status,
  last_error = new.last_error,
  last_class = new.last_class,
  url = new.url,
  batch_id = new.batch_id,
  settled_at = case when new.state <> 'pending' then now() end,
  updated_at = now()
from unnest(
  $1::uuid[], $2::int[], $3::text[], $4::int[], $5::float8[], $6::int[], $7::text[], $8::text[], $9::text[], $10::uuid[]
) as new (id, replayed, state, attempts, next_attempt_ms, last_status, last_error, last_class, url, batch_id)
where d.id = new.id and d.replayed = new.replayed and d.state = 'pending'
