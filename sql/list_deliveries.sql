-- Deliveries that the ledger holds, the newest first.
select d.id, d.message_id, d.event, d.subscriber_id, s.label as subscriber, d.state, d.attempts, d.next_attempt_at,
  d.last_status, d.last_class, d.last_error, m.table_name as "table", m.row_key as key, d.created_at, d.settled_at
from hookd.deliveries d
left join hookd.subscribers s on s.id = d.subscriber_id
left join hookd.messages m on m.id = d.message_id and m.variant = d.variant
where ($1::text is null or d.state = $1)
  and ($2::text is null or hookd.event_matches($2, d.event))
  and ($3::uuid is null or d.subscriber_id = $3)
  and ($4::text is null or d.message_id = $4)
order by d.created_at desc, d.commit_lsn desc, d.lsn desc, d.ordinal desc, d.declared_event desc, d.id
limit $5
