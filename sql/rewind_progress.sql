-- Forgets what was recorded beyond a position: it was read on a timeline that the server has left.
update hookd.progress
set lsn = $3::pg_lsn, confirm_limit = $3::pg_lsn, read_upto = null, open = null, updated_at = now()
where slot = $1 and epoch = $2
