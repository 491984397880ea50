-- When the next attempt of one subscriber is due that was not due at $2, or of those too where $3 says that some were left.
select extract(epoch from min(next_attempt_at))::float8 * 1000 as due_ms
from hookd.deliveries
where subscriber_id = $1 and state = 'pending' and attempts > 0
  and (next_attempt_at > to_timestamp($2::float8 / 1000) or $3)
