-- Disables a subscriber, unless another process has taken the slot.
update hookd.subscribers
set disabled_at = now(), disabled_reason = $2
where id = $1 and disabled_at is null
  and exists (select from hookd.progress where slot = $3 and epoch = $4)
