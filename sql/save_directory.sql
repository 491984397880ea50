insert into hookd.directory (slot, id, row)
select $1, id, row from unnest($2::uuid[], $3::jsonb[]) as new (id, row)
on conflict (slot, id) do update set row = excluded.row
