-- Disables many subscribers at once, except those whose rows somebody has locked, and unless another process has taken
-- the slot. Gives those that it disabled.
update hookd.subscribers as s
set disabled_at = now(), disabled_reason = new.reason
from unnest($1::uuid[], $2::text[]) as new (id, reason)
where s.id = new.id
  and s.id in (
    select id from hookd.subscribers where id = any($1) and disabled_at is null for update skip locked
  )
  and exists (select from hookd.progress where slot = $3 and epoch = $4)
returning s.id
