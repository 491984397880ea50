-- The slot as the server sees it, and as hookd remembers it; one row, with nulls where there is no slot.
select s.plugin, s.database, s.active_pid, s.wal_status, s.safe_wal_size::float8,
  to_jsonb(s) ->> 'invalidation_reason' as invalidation_reason,
  (to_jsonb(s) ->> 'failover')::boolean as failover,
  s.slot_name is not null as exists,
  s.database is distinct from current_database() as elsewhere,
  s.confirmed_flush_lsn::text as confirmed_lsn,
  pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn)::float8 as lag_bytes,
  pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::float8 as kept_bytes,
  case when r.pid is not null then coalesce(extract(epoch from r.flush_lag), 0)::float8 end as lag_seconds,
  host(r.client_addr) as client_addr, p.holder, p.lsn::text as progress_lsn,
  extract(epoch from now() - p.updated_at)::float8 as progress_seconds,
  t.transaction as oldest_transaction, t.seconds::float8 as oldest_transaction_seconds
from (select $1::text as slot) as wanted
left join pg_replication_slots s on s.slot_name = wanted.slot
left join pg_stat_replication r on r.pid = s.active_pid
left join hookd.progress p on p.slot = wanted.slot
-- What writes, and for how long: WAL from its start on is kept, whatever hookd confirms.
left join lateral (
  select * from (
    select format('pid %s (%s)', pid, concat_ws(', ', usename, nullif(application_name, ''), state)) as transaction,
      extract(epoch from now() - xact_start) as seconds
    from pg_stat_activity
    where backend_xid is not null and datname is not null
    union all
    select format('prepared transaction %L', gid), extract(epoch from now() - prepared) from pg_prepared_xacts
  ) as open
  order by seconds desc nulls last
  limit 1
) t on true
