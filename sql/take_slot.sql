-- Makes this process the one whose writes count. Returns the position it starts from.
update hookd.progress
set epoch = epoch + 1, holder = $2, timeline = $3, updated_at = now()
where slot = $1
returning epoch, lsn::text as lsn, read_upto, open
