update hookd.subscribers
set disabled_at = now(), disabled_reason = $2
where id = $1 and disabled_at is null
