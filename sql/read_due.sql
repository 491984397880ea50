-- Deliveries of one subscriber whose next attempt is due; the members of a batch come together.
with due as (
  select id, batch_id
  from hookd.deliveries
  where subscriber_id = $1 and state = 'pending' and attempts > 0 and next_attempt_at <= to_timestamp($2::float8 / 1000)
  order by next_attempt_at
  limit $3
)
select d.id, d.commit_lsn, d.lsn, d.ordinal, d.message_id, d.variant, d.row_key, d.old_row_key, d.replayed,
  d.attempts, d.batch_id, m.event, m.declared_event, m.headers, m.content_type, m.body, m.table_name, m.row_key as message_key, m.op, m.xid,
  m.committed_at
from hookd.deliveries d
join hookd.messages m on m.id = d.message_id and m.variant = d.variant
where d.state = 'pending' and d.attempts > 0 and d.subscriber_id = $1
  and (d.id in (select id from due) or d.batch_id in (select batch_id from due where batch_id is not null))
order by d.next_attempt_at, d.commit_lsn, d.lsn, d.ordinal, d.id
