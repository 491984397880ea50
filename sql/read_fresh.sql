-- The next deliveries of one subscriber that had no attempt yet, in order, within a limit of bytes.
-- A change that moved a row to another key is always returned, so that its other key can be held back too.
with page as (
  select d.id, d.commit_lsn, d.lsn, d.ordinal, d.message_id, d.variant, d.row_key, d.old_row_key, d.replayed,
    d.declared_event as event_order,
    m.event, m.declared_event, m.headers, m.content_type, m.body, m.table_name, m.row_key::text as message_key, m.op,
    m.xid, to_char(m.committed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as committed_at,
    extract(epoch from clock_timestamp() - d.created_at)::float8 * 1000 as age_ms,
    sum(coalesce(octet_length(m.body), 0)) over (order by d.commit_lsn, d.lsn, d.ordinal, d.declared_event, d.id) as bytes,
    row_number() over (order by d.commit_lsn, d.lsn, d.ordinal, d.declared_event, d.id) as place,
    count(*) over () as found
  from (
    select *
    from hookd.deliveries
    where subscriber_id = $1 and state = 'pending' and attempts = 0
      and (commit_lsn, lsn, ordinal, declared_event, id) > ($2::pg_lsn, $3::pg_lsn, $4::int, $5::text, $6::uuid)
      and (old_row_key is not null or row_key <> all ($7::text[]))
    order by commit_lsn, lsn, ordinal, declared_event, id
    limit $8
  ) d
  left join hookd.messages m on m.id = d.message_id and m.variant = d.variant
)
select * from page where bytes <= $9 or place = 1 order by place
