-- Writes the position down before it is confirmed. No row comes back where another process has taken the slot.
update hookd.progress
set lsn = $3::pg_lsn, confirm_limit = $3::pg_lsn, read_upto = $4, open = $5::jsonb, updated_at = now()
where slot = $1 and epoch = $2
returning epoch
