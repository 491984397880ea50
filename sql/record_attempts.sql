insert into hookd.attempts (delivery_id, replayed, attempt, at, url, status, class, error, duration_ms, response)
select delivery_id, replayed, attempt, to_timestamp(at_ms / 1000), url, status, class, error, duration_ms, response
from unnest(
  $1::uuid[], $2::int[], $3::int[], $4::float8[], $5::text[], $6::int[], $7::text[], $8::text[], $9::int[], $10::bytea[]
) as new (delivery_id, replayed, attempt, at_ms, url, status, class, error, duration_ms, response)
on conflict do nothing
