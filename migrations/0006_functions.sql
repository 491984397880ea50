-- What applications and operators call. SQLSTATE 22023 is a wrong argument, P0002 a row that is not there, 55000 a body
-- that is gone, 23514 a subscriber that was refused.

create function hookd.emit(
  event text, data jsonb default '{}', ref text default null, sender jsonb default null, owner text default null
) returns pg_lsn
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  declared hookd.events;
  names text[];
begin
  select * into declared from hookd.events where name = emit.event;
  if not found then
    select array_agg(name) into names from hookd.events where manual;
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('invalid event "%s": no event of that name is declared', left(coalesce(event, ''), 255)),
      hint = case when names is not null
        then format('Nearest: %s. Declare others', hookd.nearest(coalesce(event, ''), names))
        else 'Declare it' end || ' in hookd.yaml with "manual: true", and start or reload hookd.';
  elsif not declared.manual then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format(
        'event "%s" reports changes of %s and cannot be emitted', event, coalesce(declared.table_name, 'a table')),
      hint = 'Declare another event in hookd.yaml with "manual: true".';
  elsif not declared.enabled then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('event "%s" is disabled', event),
      hint = 'Remove "enabled: false" from it in hookd.yaml, and reload hookd.';
  elsif coalesce(jsonb_typeof(data), 'null') <> 'object' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('the data of event "%s" is not a JSON object', event),
      hint = format('Write hookd.emit(''%s'', jsonb_build_object(''id'', 1)).', event);
  end if;
  return pg_logical_emit_message(true, 'hookd',
    jsonb_build_object('event', event, 'data', data, 'ref', ref, 'sender', sender, 'owner', owner)::text);
end
$$;

comment on function hookd.emit(text, jsonb, text, jsonb, text) is
  'Sends an event that hookd.yaml declares as manual, if this transaction commits and in order with its row changes. '
  'With an owner only its subscribers (and those without one) receive it, else all. Returns the LSN of the message.';

create function hookd.subscribe(
  event text,
  url text,
  owner text default null,
  filter jsonb default null,
  content_type text default 'application/json',
  envelope text default 'hookd',
  hmac_secret text default null,
  hmac_digest text default 'sha256',
  headers jsonb default '{}',
  ordering text default 'row',
  concurrency int default 8,
  rate_limit numeric default null,
  batch_size int default 1,
  batch_wait interval default '0',
  timeout interval default null,
  retry jsonb default null,
  active boolean default true,
  config jsonb default null,
  label text default null
) returns uuid
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  insert into hookd.subscribers (
    event, url, owner, filter, content_type, envelope, hmac_secret, hmac_digest, headers, ordering, concurrency,
    rate_limit, batch_size, batch_wait, timeout, retry, active, config, label
  ) values (
    subscribe.event, subscribe.url, subscribe.owner, subscribe.filter, subscribe.content_type, subscribe.envelope,
    coalesce(subscribe.hmac_secret, hookd.random_secret()), subscribe.hmac_digest, subscribe.headers,
    subscribe.ordering, subscribe.concurrency, subscribe.rate_limit, subscribe.batch_size, subscribe.batch_wait,
    subscribe.timeout, subscribe.retry, subscribe.active, subscribe.config, subscribe.label
  )
  returning id
$$;

comment on function hookd.subscribe(
  text, text, text, jsonb, text, text, text, text, jsonb, text, int, numeric, int, interval, interval, jsonb, boolean,
  jsonb, text
) is 'Inserts a subscriber and returns its id; the parameters are the columns of hookd.subscribers. Without '
  'hmac_secret it gets a random one.';

create function hookd.unsubscribe(id uuid) returns boolean
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  with removed as (delete from hookd.subscribers where subscribers.id = unsubscribe.id returning 1)
  select exists (select from removed)
$$;

comment on function hookd.unsubscribe(uuid) is
  'Removes a subscriber; what is still pending for it is cancelled. False where there is none of that id.';

create function hookd.rotate_secret(id uuid, overlap interval default '24 hours') returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  fresh text := hookd.random_secret();
  keeps_old boolean := overlap > '0';
begin
  if overlap is null or overlap < '0' then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'invalid overlap: it is null or negative',
      hint = 'Write ''24 hours'', or ''0'' to stop the old secret at once.';
  end if;
  update hookd.subscribers
  set hmac_secret = fresh,
    hmac_secret_old = case when keeps_old then hmac_secret end,
    hmac_secret_old_until = case when keeps_old then now() + overlap end
  where subscribers.id = rotate_secret.id;
  if not found then
    raise exception using
      errcode = 'no_data_found',
      message = format('there is no subscriber %s', coalesce(id::text, 'null')),
      hint = 'Look it up in hookd.subscribers.';
  end if;
  return fresh;
end
$$;

comment on function hookd.rotate_secret(uuid, interval) is
  'Gives a subscriber a new secret and returns it. Until the overlap has passed the old one signs too.';

create function hookd.matching(event text, owner text default null) returns setof hookd.subscribers
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select * from hookd.subscribers
  where hookd.event_matches(subscribers.event, matching.event)
    and (matching.owner is null or subscribers.owner is null or subscribers.owner = matching.owner)
  order by created_at, id
$$;

comment on function hookd.matching(text, text) is
  'The subscribers that an event reaches, parked and disabled ones included; their filters are not applied. Without '
  'an owner: as for an event that belongs to nobody in particular.';

create function hookd.replay(
  delivery uuid default null,
  message text default null,
  event text default null,
  subscriber uuid default null,
  state text default null,
  since timestamptz default null,
  until timestamptz default null,
  max_count bigint default null
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_custom_plan -- filters that are not given must not cost a scan
as $$
declare
  by_id boolean := delivery is not null or message is not null;
  chosen uuid[];
  bodiless bigint;
begin
  if num_nonnulls(delivery, message, event, subscriber, state, since, until) = 0 then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = 'hookd.replay() was not told what to send again',
      hint = 'Name a delivery or a message, or choose: hookd.replay(event => ''article.*'', since => now() - interval '
        '''1 hour''); hookd.replay(state => ''dead'') takes all dead letters.';
  elsif state not in ('dead', 'delivered', 'cancelled') then
    raise exception using
      errcode = 'invalid_parameter_value',
      message = format('invalid state "%s"', left(state, 100)),
      hint = 'Write dead, delivered or cancelled; what is pending goes out by itself at its next_attempt_at.';
  end if;

  with found as (
    select id, exists (
        select from hookd.messages as kept
        where kept.id = entry.message_id and kept.variant = entry.variant and kept.body is not null
      ) as has_body
    from hookd.deliveries as entry
    where entry.state <> 'pending'
      and (by_id and replay.state is null or entry.state = coalesce(replay.state, 'dead'))
      and (replay.delivery is null or entry.id = replay.delivery)
      and (replay.message is null or entry.message_id = replay.message)
      and (replay.event is null or hookd.event_matches(replay.event, entry.event))
      and (replay.subscriber is null or entry.subscriber_id = replay.subscriber)
      and (replay.since is null or entry.settled_at >= replay.since)
      and (replay.until is null or entry.settled_at < replay.until)
    order by entry.settled_at, entry.id
    limit max_count
    for update
  )
  select array_agg(id) filter (where has_body), count(*) filter (where not has_body) into chosen, bodiless from found;

  if by_id and bodiless = 0 and chosen is null then
    raise exception using
      errcode = 'no_data_found',
      message = 'there is no settled delivery of that id',
      hint = 'Look it up in hookd.deliveries. What is pending goes out by itself at its next_attempt_at; what was '
        'delivered at once is kept only under "delivery_log: all".';
  elsif by_id and bodiless > 0 then
    raise exception using
      errcode = 'object_not_in_prerequisite_state',
      message = 'the body of that message is gone, or could never be rendered',
      hint = 'Change the row again to have it sent anew.';
  elsif bodiless > 0 then
    raise warning using
      message = format('%s deliveries were left out: their bodies are gone, or could never be rendered', bodiless),
      hint = 'Change the rows again to have them sent anew.';
  end if;

  update hookd.deliveries as entry
  set state = 'pending', attempts = 0, next_attempt_at = now(), settled_at = null, batch_id = null,
    replayed = replayed + 1, updated_at = now()
  where entry.id = any (chosen);

  -- Changes of the ledger do not come back through the slot: a running daemon has to be told.
  if chosen is not null then
    perform pg_notify('hookd', 'replay');
  end if;
  return coalesce(cardinality(chosen), 0);
end
$$;

comment on function hookd.replay(uuid, text, text, uuid, text, timestamptz, timestamptz, bigint) is
  'Sends settled deliveries again: one, those of a message, or those that all given filters choose, by default dead '
  'ones; event may be a pattern, since and until look at settled_at. Returns how many; max_count takes the oldest '
  'first.';

-- Functions are executable by everybody unless that is taken back; sql/roles.sql grants what each role needs.
revoke execute on all functions in schema hookd from public;
-- The default of a column: whoever may insert relies on it.
grant execute on function hookd.random_secret() to public;
