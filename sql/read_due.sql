-- Deliveries of one subscriber whose next attempt is due, within a limit of bytes. Those that are due at the same instant
-- come together: the members of a batch, which is sent again as it was.
with due as (
  select *
  from hookd.deliveries
  where subscriber_id = $1 and state = 'pending' and attempts > 0 and next_attempt_at <= to_timestamp($2::float8 / 1000)
  order by next_attempt_at
  fetch first ($3) rows with ties
), page as (
  select d.id, d.commit_lsn, d.lsn, d.ordinal, d.message_id, d.variant, d.row_key, d.old_row_key, d.replayed,
    d.attempts, d.batch_id, d.next_attempt_at, m.event, m.declared_event, m.headers, m.content_type, m.body, m.table_name,
    m.row_key::text as message_key, m.op, m.xid,
    to_char(m.committed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as committed_at,
    extract(epoch from clock_timestamp() - d.created_at)::float8 * 1000 as age_ms,
    sum(coalesce(octet_length(m.body), 0)) over (order by d.next_attempt_at) as bytes,
    rank() over (order by d.next_attempt_at) as place,
    count(*) over () as found
  from due d
  left join hookd.messages m on m.id = d.message_id and m.variant = d.variant
)
select * from page where bytes <= $4 or place = 1 order by next_attempt_at, commit_lsn, lsn, ordinal, declared_event, id
