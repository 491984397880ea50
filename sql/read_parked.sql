-- Rows that wait for a next attempt, the earliest due first.
select id, row_key, old_row_key, extract(epoch from next_attempt_at)::float8 * 1000 as due_ms
from hookd.deliveries
where subscriber_id = $1 and state = 'pending' and attempts > 0
order by next_attempt_at
limit $2
