-- Removes deliveries that were settled longer ago than the retention time, with their attempts and the bodies that
-- nothing needs any more, a bounded number at a time.
with gone as (
  delete from hookd.deliveries
  where id in (
    select id from hookd.deliveries
    where state <> 'pending' and settled_at < now() - make_interval(secs => $1)
    order by settled_at
    limit $2
    for update skip locked
  )
  returning id, message_id
), attempts as (
  delete from hookd.attempts where delivery_id in (select id from gone)
), messages as (
  delete from hookd.messages m
  where m.id in (select message_id from gone)
    and not exists (
      select 1 from hookd.deliveries d
      where d.message_id = m.id and d.id not in (select id from gone)
    )
)
select count(*)::int as removed from gone
