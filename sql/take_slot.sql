-- Makes this process the one whose writes count. Returns the position it starts from.
insert into hookd.progress as p (slot, system_id, timeline, plugin, lsn, confirm_limit, epoch, holder)
values ($1, $2, $3, $4, $5::pg_lsn, $5::pg_lsn, 1, $6)
on conflict (slot) do update
set epoch = p.epoch + 1, holder = excluded.holder, timeline = excluded.timeline, updated_at = now()
returning epoch, lsn::text, read_upto, open
