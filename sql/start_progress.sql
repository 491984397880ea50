-- Notes where a new slot begins, before anything is read from it.
insert into hookd.progress (slot, system_id, timeline, plugin, lsn, confirm_limit)
values ($1, $2, $3, $4, $5::pg_lsn, $5::pg_lsn)
on conflict (slot) do update
set system_id = excluded.system_id, timeline = excluded.timeline, plugin = excluded.plugin, lsn = excluded.lsn,
  confirm_limit = excluded.confirm_limit, read_upto = null, open = null, epoch = hookd.progress.epoch + 1,
  updated_at = now()
