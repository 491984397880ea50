-- Least privilege: run with psql as the owner of the schema hookd who may also create roles, after `hookd migrate`
-- and again after every upgrade. Then make your own login roles members:
--
--   create role hookd_login login replication in role hookd_daemon;   -- REPLICATION is not inherited
--   create role acme login in role hookd_tenant;                      -- sees and changes the rows with owner = 'acme'
--   grant hookd_app to app;                                           -- set local hookd.owner = 'acme' in each transaction
--
-- hookd_daemon  runs hookd. It may read subscribers and disable them, nothing more. Migrations, and the publication
--               that pgoutput needs, remain the owner's: run `hookd migrate` and `hookd check` as the owner.
-- hookd_tenant  is one customer with a connection of its own. Its owner is the name of its role, which no statement
--               it may run can change. A setting would not do: everybody may change those.
-- hookd_app     is an application that acts for many owners and names one by the setting hookd.owner. It is trusted
--               to do so rightly; without the setting it sees no row. It may also emit events.
--
-- Row level security leaves the owner of the table alone. Every other role needs one of these three.

do $$
declare
  wanted text;
begin
  foreach wanted in array '{hookd_daemon,hookd_tenant,hookd_app}'::text[] loop
    begin
      execute format('create role %I nologin', wanted);
    exception when duplicate_object or unique_violation then
      null; -- roles belong to the whole server: another database may have them already
    end;
  end loop;
end
$$;

-- Nobody else, whatever was granted before: these hold secrets, or payloads.
revoke all on all tables in schema hookd from public;

grant usage on schema hookd to hookd_daemon, hookd_tenant, hookd_app;

grant select on hookd.migrations, hookd.subscribers to hookd_daemon;
grant update (disabled_at, disabled_reason) on hookd.subscribers to hookd_daemon;
grant select, insert, update, delete
  on hookd.events, hookd.messages, hookd.deliveries, hookd.attempts, hookd.errors, hookd.progress, hookd.directory
  to hookd_daemon;
grant execute
  on function hookd.event_matches, hookd.matching, hookd.replay, hookd.emit
  to hookd_daemon;

grant select on hookd.events to hookd_tenant, hookd_app;
grant select, delete,
  insert (event, url, owner, filter, content_type, envelope, hmac_secret, hmac_digest, headers, ordering, concurrency,
    rate_limit, batch_size, batch_wait, timeout, retry, active, config, label),
  update (event, url, owner, filter, content_type, envelope, hmac_secret, hmac_secret_old, hmac_secret_old_until,
    hmac_digest, headers, ordering, concurrency, rate_limit, batch_size, batch_wait, timeout, retry, active,
    disabled_at, disabled_reason, config, label)
  on hookd.subscribers to hookd_tenant, hookd_app;
grant execute
  on function hookd.event_matches, hookd.matching, hookd.subscribe, hookd.unsubscribe, hookd.rotate_secret
  to hookd_tenant, hookd_app;
grant execute on function hookd.emit to hookd_app;

create or replace function hookd.current_owner() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when pg_has_role('hookd_app', 'usage') then nullif(current_setting('hookd.owner', true), '')
    when pg_has_role('hookd_tenant', 'usage') then current_user::text
  end
$$;

comment on function hookd.current_owner() is
  'Whose subscribers the current role may see: its own name for a tenant, the setting hookd.owner for an application.';

revoke execute on function hookd.current_owner() from public;
grant execute on function hookd.current_owner() to hookd_tenant, hookd_app;

alter table hookd.subscribers enable row level security;

drop policy if exists daemon_reads on hookd.subscribers;
create policy daemon_reads on hookd.subscribers for select to hookd_daemon using (true);

drop policy if exists daemon_disables on hookd.subscribers;
create policy daemon_disables on hookd.subscribers for update to hookd_daemon using (true);

drop policy if exists own_rows on hookd.subscribers;
create policy own_rows on hookd.subscribers to hookd_tenant, hookd_app
  using (owner = (select hookd.current_owner()))
  with check (owner = (select hookd.current_owner()));

-- Postgres lets every role call pg_logical_emit_message, and so write what hookd.emit() would check first. Where roles
-- that you do not trust can connect to this database, take that back; hookd.emit() keeps working:
--
--   revoke execute on function pg_logical_emit_message(boolean, text, text) from public;           -- PostgreSQL 15, 16
--   revoke execute on function pg_logical_emit_message(boolean, text, text, boolean) from public;  -- PostgreSQL 17 and newer
