-- Cancels pending deliveries of a subscriber that is gone, a bounded number at a time.
update hookd.deliveries
set state = 'cancelled', last_error = 'the subscriber was removed', settled_at = now(), updated_at = now()
where id in (
  select id from hookd.deliveries where subscriber_id = $1 and state = 'pending' limit $2 for update skip locked
)
