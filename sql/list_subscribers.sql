-- Every subscriber, also those of hookd.yaml that have deliveries, with what waits for it. No secrets.
with backlog as (
  select subscriber_id,
    count(*) filter (where state = 'pending')::int as pending,
    count(*) filter (where state = 'dead')::int as dead,
    extract(epoch from now() - min(created_at) filter (where state = 'pending'))::float8 as oldest_pending_seconds
  from hookd.deliveries
  where state in ('pending', 'dead')
  group by subscriber_id
)
select coalesce(s.id, b.subscriber_id) as id, s.label, s.event, s.url, s.owner, s.filter, s.envelope, s.content_type,
  s.ordering, s.concurrency, s.batch_size, s.hmac_digest, s.hmac_secret_old_until, s.created_at, s.disabled_at,
  s.disabled_reason,
  case
    when s.id is null then 'in hookd.yaml'
    when s.disabled_at is not null then 'disabled'
    when s.active then 'active'
    else 'paused'
  end as state,
  coalesce(b.pending, 0) as pending, coalesce(b.dead, 0) as dead, b.oldest_pending_seconds
from hookd.subscribers s
full join backlog b on b.subscriber_id = s.id
where $1::text is null or hookd.event_matches(s.event, $1)
order by s.created_at nulls last, 1
