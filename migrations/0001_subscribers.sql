-- The schema, what was applied to it, and the table that applications write: who receives what.

-- An administrator may have made the schema for a role that may create none.
do $$
begin
  if to_regnamespace('hookd') is null then
    create schema hookd;
    comment on schema hookd is 'Webhooks from committed row changes: subscribers and the state of their deliveries.';
  end if;
end
$$;

create table hookd.migrations (
  name text primary key,
  checksum text not null,
  breaking boolean not null,
  applied_at timestamptz not null default now()
);

comment on table hookd.migrations is 'Which files of migrations/ this schema went through.';
comment on column hookd.migrations.name is 'The file.';
comment on column hookd.migrations.checksum is 'SHA-256 of its contents, in hexadecimal.';
comment on column hookd.migrations.breaking is 'A hookd that does not know the file must not run.';
comment on column hookd.migrations.applied_at is 'When its transaction began.';

-- Three UUIDs carry 366 random bits, so that the hash is as good as 32 random bytes without an extension.
create function hookd.random_secret() returns text
language sql volatile parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select 'whsec_' || encode(
    sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64')
$$;

comment on function hookd.random_secret() is 'A new signing secret: whsec_ and the base64 of 32 random bytes.';

create table hookd.subscribers (
  id uuid primary key default gen_random_uuid(),
  event text not null,
  url text not null,
  owner text,
  filter jsonb,
  content_type text not null default 'application/json',
  envelope text not null default 'hookd',
  hmac_secret text not null default hookd.random_secret(),
  hmac_secret_old text,
  hmac_secret_old_until timestamptz,
  hmac_digest text not null default 'sha256',
  headers jsonb not null default '{}',
  ordering text not null default 'row',
  concurrency int not null default 8,
  rate_limit numeric,
  batch_size int not null default 1,
  batch_wait interval not null default '0',
  timeout interval,
  retry jsonb,
  active boolean not null default true,
  disabled_at timestamptz,
  disabled_reason text,
  config jsonb,
  label text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- The daemon follows this table through its replication slot and needs whole old rows.
alter table hookd.subscribers replica identity full;

create index subscribers_owner on hookd.subscribers (owner) where owner is not null;

create function hookd.subscribers_touch() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := now();
  -- Either column being cleared means "resume".
  if old.disabled_at is not null and new.disabled_at is null then
    new.disabled_reason := null;
  elsif old.disabled_reason is not null and new.disabled_reason is null then
    new.disabled_at := null;
  end if;
  return new;
end
$$;

comment on function hookd.subscribers_touch() is 'Sets updated_at; clears disabled_at and disabled_reason together.';

create trigger subscribers_touch before update on hookd.subscribers
  for each row when (old.* is distinct from new.*)
  execute function hookd.subscribers_touch();

comment on table hookd.subscribers is
  'Who receives which events. A change takes effect for the transactions that commit after it. Broken rows are '
  'refused by the trigger subscribers_validate.';
comment on column hookd.subscribers.id is 'Sent as Hook-Subscription.';
comment on column hookd.subscribers.event is
  'Event name or pattern: * (all), article.created, article.*, *.created, a.*.c. A * stands for one segment, at the '
  'end for all the rest.';
comment on column hookd.subscribers.url is
  'Where to POST: http or https, at most 2048 characters, without credentials.';
comment on column hookd.subscribers.owner is
  'Receives only events of this owner, and events that belong to nobody in particular; null receives all.';
comment on column hookd.subscribers.filter is
  'A condition on the row in the language of "when" in hookd.yaml, for example {"state": {"now_eq": "PUBLISHED"}}; '
  'null and {} let everything through.';
comment on column hookd.subscribers.content_type is 'application/json or application/x-www-form-urlencoded.';
comment on column hookd.subscribers.envelope is 'Shape of the body: hookd, thorn, resthooks, flat or raw.';
comment on column hookd.subscribers.hmac_secret is
  'Signs every request; at least 16 characters. By default whsec_ and the base64 of 32 random bytes.';
comment on column hookd.subscribers.hmac_secret_old is
  'The secret before hookd.rotate_secret(): signs too until hmac_secret_old_until.';
comment on column hookd.subscribers.hmac_secret_old_until is 'When hmac_secret_old stops signing.';
comment on column hookd.subscribers.hmac_digest is
  'Digest of Hook-HMAC: sha1, sha224, sha256, sha384 or sha512, in any case.';
comment on column hookd.subscribers.headers is
  'Extra request headers, {"Authorization": "Bearer …"}; headers that hookd sets itself are refused.';
comment on column hookd.subscribers.ordering is
  'row: changes of one row arrive in commit order, one at a time; subscriber: everything does; none: no order.';
comment on column hookd.subscribers.concurrency is 'Requests in flight, 1 to 1000.';
comment on column hookd.subscribers.rate_limit is 'Requests a second; null is no limit.';
comment on column hookd.subscribers.batch_size is
  'More than 1: the body is a JSON array of up to this many envelopes, at most 1000.';
comment on column hookd.subscribers.batch_wait is
  'How long a batch that is not full waits for more, at most 60 seconds.';
comment on column hookd.subscribers.timeout is
  'Deadline of one request, 1 to 60 seconds; null takes the event''s or the global one.';
comment on column hookd.subscribers.retry is
  '{"schedule": ["5s", "1m", "2h"]}, the waits between attempts, or {"max": 3}, which cuts the schedule; null takes '
  'the event''s or the global one.';
comment on column hookd.subscribers.active is 'false parks: deliveries are kept and sent once it is true again.';
comment on column hookd.subscribers.disabled_at is
  'Set by hookd when the endpoint is gone, fails for days or the row is broken; set to null to resume.';
comment on column hookd.subscribers.disabled_reason is 'Why hookd disabled it.';
comment on column hookd.subscribers.config is 'The user''s own JSON object; its keys are {config.key} in templates.';
comment on column hookd.subscribers.label is 'The user''s own name for it.';
comment on column hookd.subscribers.created_at is 'When the row was inserted.';
comment on column hookd.subscribers.updated_at is 'When the row last changed; kept by a trigger.';
