-- One delivery with its body and every attempt.
select d.id, d.message_id, d.event, d.subscriber_id, s.label as subscriber, s.url as subscriber_url, d.state, d.attempts,
  d.next_attempt_at, d.last_status, d.last_class, d.last_error, d.replayed, d.created_at, d.settled_at,
  d.commit_lsn::text, d.lsn::text, m.table_name as "table", m.row_key as key, m.op, m.committed_at, m.content_type, m.body,
  (
    select coalesce(json_agg(json_build_object(
        'replayed', a.replayed, 'attempt', a.attempt, 'at', a.at, 'url', a.url, 'status', a.status, 'class', a.class,
        'error', a.error, 'durationMs', a.duration_ms, 'response', encode(a.response, 'base64')
      ) order by a.replayed, a.attempt), '[]')
    from hookd.attempts a where a.delivery_id = d.id
  ) as tries
from hookd.deliveries d
left join hookd.subscribers s on s.id = d.subscriber_id
left join hookd.messages m on m.id = d.message_id and m.variant = d.variant
where d.id = $1
