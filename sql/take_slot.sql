-- Makes this process the one whose writes count. Returns the position it starts from.
with before as (select timeline from hookd.progress where slot = $1 for update)
update hookd.progress
set epoch = epoch + 1, holder = $2, timeline = $3, updated_at = now()
from before
where slot = $1
returning epoch, lsn::text as lsn, read_upto, open, before.timeline as timeline_before
