table attempts -- One row per try. The key makes recording one twice harmless and survives replays.
table deliveries -- A message on its way to a subscriber. What was delivered at once appears here only under "delivery_log: all".
table directory -- hookd.subscribers as of progress.lsn. A restart re-reads changes from there and must know who was subscribed then, not who is now. Holds secrets: for the daemon's role alone.
table errors -- What could not become a message: rows that could not be read, conditions and templates that failed.
table events -- The events that hookd.yaml declares, written by the daemon when it loads the file.
table messages -- A body that is kept because some delivery needs it: one match of an event, in one rendering.
table migrations -- Which files of migrations/ this schema went through.
table progress -- How far each slot is settled. The daemon starts here, not where the server remembers to be.
table subscribers -- Who receives which events. A change takes effect for the transactions that commit after it. Broken rows are refused by the trigger subscribers_validate.

attempts.delivery_id uuid not null -- hookd.deliveries.id
attempts.replayed integer not null default 0 -- hookd.deliveries.replayed at the time: after a replay attempts count from 1 again.
attempts.attempt integer not null -- 1 is the first.
attempts.at timestamp with time zone not null default now() -- When it started.
attempts.url text -- The URL used.
attempts.status integer -- HTTP status; null where there was no answer.
attempts.class text -- The kind of failure; null for success.
attempts.error text -- What went wrong, in a sentence.
attempts.duration_ms integer -- From start to the end of the answer.
attempts.response bytea -- The first 16 KiB of the answer, as received.
deliveries.id uuid not null -- The same after every re-read of the WAL; sent as Hook-Delivery.
deliveries.message_id text not null -- hookd.messages.id
deliveries.variant text not null -- hookd.messages.variant
deliveries.event text not null -- The name sent.
deliveries.subscriber_id uuid not null -- hookd.subscribers.id, or the id of a subscriber of hookd.yaml.
deliveries.url text -- The URL of the last attempt; null before the first.
deliveries.state text not null default 'pending'::text -- pending; delivered (answered 2xx); dead (given up, see last_error; hookd.replay() sends it again); cancelled (its subscriber was removed).
deliveries.attempts integer not null default 0 -- Failed or delivered attempts since it became pending.
deliveries.next_attempt_at timestamp with time zone -- When the next attempt is due; null is at once.
deliveries.last_status integer -- HTTP status of the last attempt; null where there was no answer.
deliveries.last_error text -- What went wrong, in a sentence.
deliveries.last_class text -- The kind of failure: status, timeout, refused, tls_error, …
deliveries.row_key text not null -- Deliveries that share it are sent one at a time, in commit order.
deliveries.old_row_key text -- The row_key before this change, where the change gave the row another key.
deliveries.commit_lsn pg_lsn not null -- Start of the transaction's commit record.
deliveries.lsn pg_lsn not null -- LSN of the change.
deliveries.ordinal integer not null -- Position among the changes that share the LSN.
deliveries.batch_id uuid -- Deliveries that failed in one request and are sent again together.
deliveries.replayed integer not null default 0 -- How often hookd.replay() sent it again.
deliveries.created_at timestamp with time zone not null default now() -- When the row was written.
deliveries.updated_at timestamp with time zone not null default now() -- When the row last changed.
deliveries.settled_at timestamp with time zone -- When it was delivered, given up or cancelled; kept for the retention time from then on.
deliveries.declared_event text collate "C" not null default ''::text -- The event as hookd.yaml declares it: the order among the events of one change.
directory.slot text not null -- Name of the replication slot.
directory.id uuid not null -- hookd.subscribers.id
directory.row jsonb not null -- The subscriber's row.
errors.id uuid not null -- Derived from the change, so that reading it again adds nothing.
errors.at timestamp with time zone not null default now() -- When it was recorded.
errors.kind text not null -- What kind of failure, for counting.
errors.event text -- The event that was not sent; null where it concerns the whole change.
errors.table_name text -- schema.table, as far as known.
errors.row_key jsonb -- The row's key, as far as known.
errors.lsn pg_lsn -- LSN of the change.
errors.subscriber_id uuid -- The subscriber concerned; null for all.
errors.message text not null -- What went wrong, in a sentence.
events.name text not null -- The name sent; {…} in it stands for a value of the row.
events.manual boolean not null default false -- Sent with hookd.emit() rather than by changes of a table.
events.table_name text -- schema.table whose changes it reports; null for a manual event.
events.operations text[] not null default '{}'::text[] -- insert, update, delete, truncate.
events.fields text[] not null default '{}'::text[] -- Keys of the payload's data.
events.description text -- From hookd.yaml.
events.label text -- From hookd.yaml.
events.enabled boolean not null default true -- false: declared but not sent.
events.updated_at timestamp with time zone not null default now() -- When the daemon last wrote the row.
messages.id text not null -- The same after every re-read of the WAL; sent as webhook-id.
messages.variant text not null -- Which rendering: envelope, content type and whatever else the body depends on.
messages.event text not null -- The name sent.
messages.declared_event text not null -- The event as hookd.yaml declares it.
messages.content_type text not null -- Of the body.
messages.headers jsonb not null default '[]'::jsonb -- The event's own headers: [name, value, …].
messages.body bytea -- The exact bytes of every attempt; null where they could not be rendered or were removed.
messages.table_name text -- schema.table of the row; null for a message of hookd.emit().
messages.row_key jsonb -- The row's key, {"id": 1}; null where it has none.
messages.op text -- insert, update, delete, truncate or emit.
messages.commit_lsn pg_lsn -- Start of the transaction's commit record.
messages.lsn pg_lsn -- LSN of the change.
messages.ordinal integer -- Position among the changes that share the LSN.
messages.xid bigint -- The transaction.
messages.committed_at timestamp with time zone -- When it committed.
messages.created_at timestamp with time zone not null default now() -- When the row was written.
migrations.name text not null -- The file.
migrations.checksum text not null -- SHA-256 of its contents, in hexadecimal.
migrations.breaking boolean not null -- A hookd that does not know the file must not run.
migrations.applied_at timestamp with time zone not null default now() -- When its transaction began.
progress.slot text not null -- Name of the replication slot.
progress.system_id text -- The cluster that the position belongs to.
progress.timeline integer -- Its timeline.
progress.plugin text -- wal2json or pgoutput.
progress.lsn pg_lsn -- End LSN of the last transaction that is settled, with all before it.
progress.confirm_limit pg_lsn -- Nothing beyond it has been confirmed to the server.
progress.read_upto text -- Position inside later transactions up to which everything is settled but what "open" lists; null where there is none.
progress.open jsonb -- What lies before read_upto and is not settled yet.
progress.epoch bigint not null default 0 -- Grows with every process that takes the slot; writes of an older one are refused.
progress.holder text -- The process that holds the slot.
progress.updated_at timestamp with time zone not null default now() -- When the row was written.
subscribers.id uuid not null default gen_random_uuid() -- Sent as Hook-Subscription.
subscribers.event text not null -- Event name or pattern: * (all), article.created, article.*, *.created, a.*.c. A * stands for one segment, at the end for all the rest.
subscribers.url text not null -- Where to POST: http or https, at most 2048 characters, without credentials.
subscribers.owner text -- Receives only events of this owner, and events that belong to nobody in particular; null receives all.
subscribers.filter jsonb -- A condition on the row in the language of "when" in hookd.yaml, for example {"state": {"now_eq": "PUBLISHED"}}; null and {} let everything through.
subscribers.content_type text not null default 'application/json'::text -- application/json or application/x-www-form-urlencoded.
subscribers.envelope text not null default 'hookd'::text -- Shape of the body: hookd, thorn, resthooks, flat, raw, standard or cloudevents.
subscribers.hmac_secret text not null default hookd.random_secret() -- Signs every request; at least 16 characters. By default whsec_ and the base64 of 32 random bytes.
subscribers.hmac_secret_old text -- The secret before hookd.rotate_secret(): signs too until hmac_secret_old_until.
subscribers.hmac_secret_old_until timestamp with time zone -- When hmac_secret_old stops signing.
subscribers.hmac_digest text not null default 'sha256'::text -- Digest of Hook-HMAC: sha1, sha224, sha256, sha384 or sha512, in any case.
subscribers.headers jsonb not null default '{}'::jsonb -- Extra request headers, {"Authorization": "Bearer …"}; headers that hookd sets itself are refused.
subscribers.ordering text not null default 'row'::text -- row: changes of one row arrive in commit order, one at a time; subscriber: everything does; none: no order.
subscribers.concurrency integer not null default 8 -- Requests in flight, 1 to 1000.
subscribers.rate_limit numeric -- Requests a second; null is no limit.
subscribers.batch_size integer not null default 1 -- More than 1: the body is a JSON array of up to this many envelopes, at most 1000.
subscribers.batch_wait interval not null default '0'::interval -- How long a batch that is not full waits for more, at most 60 seconds.
subscribers.timeout interval -- Deadline of one request, 1 to 60 seconds; null takes the event's or the global one.
subscribers.retry jsonb -- {"schedule": ["5s", "1m", "2h"]}, the waits between attempts, or {"max": 3}, which cuts the schedule; null takes the event's or the global one.
subscribers.active boolean not null default true -- false parks: deliveries are kept and sent once it is true again.
subscribers.disabled_at timestamp with time zone -- Set by hookd when the endpoint is gone, fails for days or the row is broken; set to null to resume.
subscribers.disabled_reason text -- Why hookd disabled it.
subscribers.config jsonb -- The user's own JSON object; its keys are {config.key} in templates.
subscribers.label text -- The user's own name for it.
subscribers.created_at timestamp with time zone not null default now() -- When the row was inserted.
subscribers.updated_at timestamp with time zone not null default now() -- When the row last changed; kept by a trigger.

hookd.attempts constraint attempts_pkey PRIMARY KEY (delivery_id, replayed, attempt)
hookd.deliveries constraint deliveries_pkey PRIMARY KEY (id)
hookd.deliveries constraint deliveries_state CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text, 'cancelled'::text])))
hookd.directory constraint directory_pkey PRIMARY KEY (slot, id)
hookd.errors constraint errors_pkey PRIMARY KEY (id)
hookd.events constraint events_pkey PRIMARY KEY (name)
hookd.messages constraint messages_pkey PRIMARY KEY (id, variant)
hookd.migrations constraint migrations_pkey PRIMARY KEY (name)
hookd.progress constraint progress_pkey PRIMARY KEY (slot)
hookd.subscribers constraint subscribers_pkey PRIMARY KEY (id)

CREATE INDEX deliveries_due ON hookd.deliveries USING btree (subscriber_id, next_attempt_at) WHERE ((state = 'pending'::text) AND (attempts > 0))
CREATE INDEX deliveries_fresh ON hookd.deliveries USING btree (subscriber_id, commit_lsn, lsn, ordinal, declared_event, id) WHERE ((state = 'pending'::text) AND (attempts = 0))
CREATE INDEX deliveries_message ON hookd.deliveries USING btree (message_id)
CREATE INDEX deliveries_row ON hookd.deliveries USING btree (subscriber_id, row_key, commit_lsn, lsn, ordinal) WHERE (state = 'pending'::text)
CREATE INDEX deliveries_settled ON hookd.deliveries USING btree (settled_at) WHERE (state <> 'pending'::text)
CREATE INDEX errors_at ON hookd.errors USING btree (at)
CREATE INDEX subscribers_owner ON hookd.subscribers USING btree (owner) WHERE (owner IS NOT NULL)
CREATE UNIQUE INDEX attempts_pkey ON hookd.attempts USING btree (delivery_id, replayed, attempt)
CREATE UNIQUE INDEX deliveries_pkey ON hookd.deliveries USING btree (id)
CREATE UNIQUE INDEX directory_pkey ON hookd.directory USING btree (slot, id)
CREATE UNIQUE INDEX errors_pkey ON hookd.errors USING btree (id)
CREATE UNIQUE INDEX events_pkey ON hookd.events USING btree (name)
CREATE UNIQUE INDEX messages_pkey ON hookd.messages USING btree (id, variant)
CREATE UNIQUE INDEX migrations_pkey ON hookd.migrations USING btree (name)
CREATE UNIQUE INDEX progress_pkey ON hookd.progress USING btree (slot)
CREATE UNIQUE INDEX subscribers_pkey ON hookd.subscribers USING btree (id)

attempts with autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000
deliveries with fillfactor=85, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000, autovacuum_analyze_scale_factor=0.05, autovacuum_vacuum_cost_delay=0
messages with autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000
progress with fillfactor=10, autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=500

attempts replica identity d
deliveries replica identity d
directory replica identity d
errors replica identity d
events replica identity d
messages replica identity d
migrations replica identity d
progress replica identity d
subscribers replica identity f

CREATE TRIGGER subscribers_touch BEFORE UPDATE ON hookd.subscribers FOR EACH ROW WHEN ((old.* IS DISTINCT FROM new.*)) EXECUTE FUNCTION hookd.subscribers_touch()
CREATE TRIGGER subscribers_validate BEFORE INSERT OR UPDATE OF id, event, url, owner, filter, content_type, envelope, hmac_secret, hmac_secret_old, hmac_secret_old_until, hmac_digest, headers, ordering, concurrency, rate_limit, batch_size, batch_wait, timeout, retry, active, config, created_at ON hookd.subscribers FOR EACH ROW EXECUTE FUNCTION hookd.subscribers_validate()

type problem (sentence text, hint text)

CREATE OR REPLACE FUNCTION hookd.choice_problem(name text, value text, choices text[])
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if value = any (choices) then
    return null;
  end if;
  return hookd.problem(
    case when value is null then format('invalid %s: it is null', name) else format('invalid %s '
      '"%s"', name, left(value, 100)) end,
    format('Write one of %s.', array_to_string(choices, ', ')));
end
$function$
-- Says that a value is none of the choices; null if it is one.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.condition_problem(condition jsonb, path text DEFAULT ''::text, depth integer DEFAULT 1)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  -- A column and the steps into its JSON value; in double quotes a name may hold dots, or be "any".
  field constant text := '^("([^"]|"")*"|[^".]+)(\.("([^"]|"")*"|[^".]+))*$';
  no_field constant jsonpath := format('lax $[*] ? (@.type() != "string" || !(@ like_regex %s))', to_json(field));
  key text;
  value jsonb;
  operator text;
  operand jsonb;
  here text;
  bad hookd.problem;
begin
  if depth > 31 then
    return hookd.problem('it nests deeper than 32 levels', 'Write it flatter: a mapping is an "and" of its keys.');
  elsif jsonb_typeof(condition) <> 'object' then
    return hookd.problem(
      format('%sa condition is an object, and this is of type %s', path, jsonb_typeof(condition)),
      'Write {"state": "PUBLISHED"} or {"total": {"gte": 1000}}.');
  end if;

  for key, value in select * from jsonb_each(condition) loop
    here := path || format('"%s": ', left(key, 100));
    if key in ('any', 'all') then
      if jsonb_typeof(value) <> 'array' or value = '[]' then
        return hookd.problem(
          here || 'it needs a list of conditions',
          format('Write {"%s": [{"state": "A"}, {"total": {"gt": 5}}]}.', key));
      end if;
      for operand in select * from jsonb_array_elements(value) loop
        bad := hookd.condition_problem(operand, here, depth + 1);
        exit when bad is not null;
      end loop;
    elsif key = 'not' then
      bad := hookd.condition_problem(value, here, depth + 1);
    elsif key = 'changed' then
      if value = '[]' or value @? no_field then
        bad := hookd.problem(here || 'it needs a list of columns', 'Write {"changed": ["state", "title"]}.');
      end if;
    elsif key !~ field then
      bad := hookd.problem(
        here || 'that is not a field',
        'Write a column, or a path into a JSON column such as address.city; put odd names into double quotes.');
    elsif value = '{}' then
      bad := hookd.problem(here || 'it has no operator', 'Write {"eq": …}, or the value alone.');
    elsif jsonb_typeof(value) = 'object' then
      for operator, operand in select * from jsonb_each(value) loop
        bad := hookd.operand_problem(operator, operand, depth);
        if bad is not null then
          bad.sentence := here || bad.sentence;
          exit;
        end if;
      end loop;
    else
      bad := hookd.operand_problem('eq', value, depth);
    end if;
    exit when bad is not null;
  end loop;
  return bad;
end
$function$
-- What is wrong with the grammar of a condition; null if nothing. Whether its columns exist depends on the event: the daemon decides.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.duration_seconds(duration text)
 RETURNS numeric
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select sum(part[1]::numeric
    * case part[2] when 'ms' then 0.001 when 's' then 1 when 'm' then 60 when 'h' then 3600 else 86400 end)
  from regexp_matches(duration, '(\d+(?:\.\d+)?)(ms|[smhd])', 'g') as part
  where duration ~ '^(\d{1,9}(\.\d{1,9})?(ms|s|m|h|d))+$'
$function$
-- 1h30m, 500ms or 7d in seconds; null for anything else.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.emit(event text, data jsonb DEFAULT '{}'::jsonb, ref text DEFAULT NULL::text, sender jsonb DEFAULT NULL::jsonb, owner text DEFAULT NULL::text)
 RETURNS pg_lsn
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$
-- Sends an event that hookd.yaml declares as manual, if this transaction commits and in order with its row changes. With an owner only its subscribers (and those without one) receive it, else all. Returns the LSN of the message.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.event_matches(pattern text, event text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case
    when pattern = '*' then true
    when position('*' in pattern) = 0 then pattern = event
    else event ~ (
      '^' || replace(
        regexp_replace(regexp_replace(pattern, '([^[:alnum:]_*])', '\\\1', 'g'), '\*$', '.+'),
        '*', '[^.]+') || '$')
  end
$function$
-- Whether a subscriber's name or pattern covers an event: a * stands for one segment, at the end for one or more.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.event_problem(pattern text)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if coalesce(pattern, '') = '' then
    return hookd.problem(
      'invalid event: it is empty',
      'Write an event''s name or a pattern: "article.created", "article.*" or "*".');
  elsif length(pattern) > 255 then
    return hookd.problem(
      format('invalid event: it has %s characters, 255 are the limit', length(pattern)),
      'Write a shorter pattern.');
  elsif pattern ~ '[\x01-\x20\x7f]|\s' then
    return hookd.problem('invalid event: it has white space or a control character', 'Write the name alone.');
  elsif pattern ~ '^\.|\.\.|\.$' then
    return hookd.problem(
      format('invalid event "%s": a segment is empty', pattern),
      'Put something between the dots, at least a *.');
  elsif pattern ~ '[^.]\*|\*[^.]' then
    return hookd.problem(
      format('invalid event "%s": a * stands for a whole segment, not for a part of one', pattern),
      'Write "article.*", "*.created" or "a.*.c".');
  elsif exists (select from hookd.events)
    and not exists (select from hookd.events where name = pattern)
    and not exists (select from hookd.events where hookd.event_reachable(pattern, name)) then
    return hookd.problem(
      format(
        case when position('*' in pattern) > 0
          then 'invalid event "%s": the pattern matches none of the declared events'
          else 'invalid event "%s": no event of that name is declared' end, pattern),
      format('Nearest: %s. The table hookd.events lists them all.',
        hookd.nearest(pattern, (select array_agg(name) from hookd.events))));
  end if;
  return null;
end
$function$
-- What is wrong with a subscriber's event; null if nothing. An empty catalog accepts any name.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.event_reachable(pattern text, declared text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  any_text constant text := e'\x01';
  blank text := regexp_replace(declared, '\{[^}]*\}', any_text, 'g');
  name_regex text := '^' || replace(regexp_replace(blank, '([^[:alnum:]_\x01])', '\\\1', 'g'), any_text, '.+') || '$';
  wanted text[] := string_to_array(pattern, '.');
  segments text[] := string_to_array(blank, '.');
  open_end boolean := wanted[cardinality(wanted)] = '*';
begin
  if blank = declared then
    return hookd.event_matches(pattern, declared);
  elsif pattern ~ name_regex or pattern = '*' then
    return true;
  elsif cardinality(segments) < cardinality(wanted)
    or cardinality(segments) > cardinality(wanted) and not open_end then
    return false;
  end if;
  for i in 1 .. cardinality(wanted) loop
    continue when wanted[i] = '*';
    name_regex := '^' || replace(regexp_replace(segments[i], '([^[:alnum:]_\x01])', '\\\1', 'g'), any_text, '.+') || '$';
    if wanted[i] !~ name_regex then
      return false;
    end if;
  end loop;
  return true;
end
$function$
-- Whether a pattern could cover a name as hookd.yaml declares it, where {…} stands for any text.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.filter_problem(filter jsonb)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  bad hookd.problem;
begin
  if filter is null then
    return null;
  elsif octet_length(filter::text) > 65536 then
    return hookd.problem(
      format('invalid filter: it has %s bytes, 65536 are the limit', octet_length(filter::text)),
      'Filter in the event''s own "when", or by fewer values.');
  elsif (select count(*) > 1000 from jsonb_path_query(filter, 'strict $.**')) then
    return hookd.problem(
      'invalid filter: it has more than 1000 parts',
      'Filter in the event''s own "when", or by fewer values.');
  end if;
  bad := hookd.condition_problem(filter);
  if bad is not null then
    bad.sentence := 'invalid filter: ' || bad.sentence;
  end if;
  return bad;
end
$function$
-- What is wrong with a subscriber's filter; null if nothing.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.headers_problem(headers jsonb)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  name text;
  value jsonb;
  seen text[] := '{}';
  reserved constant text[] := '{
    host,connection,keep-alive,te,trailer,transfer-encoding,upgrade,via,expect,forwarded,
    user-agent,accept-encoding,cookie}';
begin
  if coalesce(jsonb_typeof(headers), 'null') <> 'object' then
    return hookd.problem(
      'invalid headers: it is not an object',
      'Write {"Authorization": "Bearer …"}, or {} for none.');
  end if;
  for name, value in select * from jsonb_each(headers) loop
    if length(name) > 200 or length(value #>> '{}') > 4096 then
      return hookd.problem(
        format('invalid headers: "%s" is too long', left(name, 100)),
        'A name may have 200 characters, a value 4096.');
    elsif name !~ '^[A-Za-z0-9!#$%&''*+.^_`|~-]+$' then
      return hookd.problem(
        format('invalid headers: "%s" is not a header''s name', left(name, 100)),
        'Write letters, digits and hyphens: "X-Token".');
    elsif lower(name) = any (reserved)
      or lower(name) ~ '^(hook-|webhook-|content-|proxy-|x-forwarded-|ce-|signature)' then
      return hookd.problem(
        format('invalid headers: "%s" is reserved', name),
        'hookd or HTTP itself sets it; choose another name, such as "X-Token".');
    elsif lower(name) = any (seen) then
      return hookd.problem(
        format('invalid headers: "%s" is there twice, in upper and lower case', name),
        'Keep one of them.');
    elsif jsonb_typeof(value) <> 'string' then
      return hookd.problem(
        format('invalid headers: the value of "%s" is not a text', name),
        format('Write {"%s": "…"}.', name));
    elsif value #>> '{}' !~ '^[\x20-\x7e\t]*$' then
      return hookd.problem(
        format('invalid headers: the value of "%s" has a line break or a character beyond ASCII', name),
        'Write printable ASCII; percent-encode or base64 the rest.');
    elsif value #>> '{}' ~ '^[ \t]|[ \t]$' then
      return hookd.problem(
        format('invalid headers: the value of "%s" begins or ends with a space', name),
        'Write it without.');
    end if;
    seen := seen || lower(name);
  end loop;
  if cardinality(seen) > 50 then
    return hookd.problem(format('invalid headers: there are %s, 50 are the limit', cardinality(seen)), 'Write fewer.');
  end if;
  return null;
end
$function$
-- What is wrong with a subscriber's extra headers, without repeating values; null if nothing.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.matching(event text, owner text DEFAULT NULL::text)
 RETURNS SETOF hookd.subscribers
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select * from hookd.subscribers
  where hookd.event_matches(subscribers.event, matching.event)
    and (matching.owner is null or subscribers.owner is null or subscribers.owner = matching.owner)
  order by created_at, id
$function$
-- The subscribers that an event reaches, parked and disabled ones included; their filters are not applied. Without an owner: as for an event that belongs to nobody in particular.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.nearest(word text, candidates text[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select string_agg(format('"%s"', candidate), ', ' order by likeness desc, candidate)
  from (
    select candidate, hookd.similarity(left(word, 255), candidate) as likeness
    from unnest(candidates) as candidate
    order by likeness desc, candidate
    limit 3
  ) as best
$function$
-- The three candidates most like a word, quoted, for an error message.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.operand_problem(operator text, operand jsonb, depth integer)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  operators constant text[] := '{
    eq,ne,gt,gte,lt,lte,in,not_in,is,is_not,contains,startswith,endswith,regex,any,truthy,falsy,
    now_eq,now_ne,now_gt,now_gte,now_lt,now_lte,now_in,now_not_in,now_is,now_is_not,
    now_contains,now_startswith,now_endswith}';
  kind constant text := jsonb_typeof(operand);
  base constant text := regexp_replace(operator, '^now_', '');
  bad hookd.problem;
begin
  if operator <> all (operators) then
    return hookd.problem(
      format('unknown operator "%s"', left(operator, 100)),
      format('Nearest: %s. Valid are %s.', hookd.nearest(operator, operators), array_to_string(operators, ', ')));
  elsif jsonb_path_exists(operand, format('strict $.**{%s to last}', 32 - depth)::jsonpath) then
    return hookd.problem('it nests deeper than 32 levels', 'Compare with something flatter.');
  end if;

  case
    when base in ('in', 'not_in') and kind <> 'array' then
      return hookd.problem(format('"%s" needs a list', operator), format('Write {"%s": ["a", "b"]}.', operator));
    when base in ('gt', 'gte', 'lt', 'lte') and kind in ('null', 'array', 'object') then
      return hookd.problem(
        format('"%s" needs a number or a text', operator),
        format('Write {"%s": 10} or {"%s": "2026-01-01"}.', operator, operator));
    when base in ('startswith', 'endswith')
      and (kind = 'object' or operand @? 'lax $[*] ? (@.type() != "string" && @.type() != "number")') then
      return hookd.problem(
        format('"%s" needs a text or a list of texts', operator),
        format('Write {"%s": "a"} or {"%s": ["a", "b"]}.', operator, operator));
    when base in ('any', 'truthy', 'falsy') and operand <> 'true' then
      return hookd.problem(format('"%s" takes nothing but true', operator), format('Write {"%s": true}.', operator));
    when base = 'regex' and kind <> 'string' then
      return hookd.problem('"regex" needs a text', 'Write {"regex": "^A.*z$"}.');
    when base = 'regex' then
      bad := hookd.regex_problem(operand #>> '{}');
    else
      bad := null;
  end case;
  return bad;
end
$function$
-- What is wrong with an operator of a condition and what it compares with; null if nothing.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.problem(sentence text, hint text)
 RETURNS hookd.problem
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select row(sentence, hint)::hookd.problem
$function$
-- Puts a problem into words.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.random_secret()
 RETURNS text
 LANGUAGE sql
 PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select 'whsec_' || encode(
    sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'base64')
$function$
-- A new signing secret: whsec_ and the base64 of 32 random bytes.
-- privileges: {owner=X/owner,=X/owner}

CREATE OR REPLACE FUNCTION hookd.range_problem(name text, value numeric, low numeric, high numeric, unit text DEFAULT ''::text)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if value between low and high then
    return null;
  end if;
  return hookd.problem(
    case when value is null then format('invalid %s: it is null', name)
      else format('invalid %s: %s%s is out of range', name, trim_scale(value), unit) end,
    format('Write something from %s to %s%s.', low, high, unit));
end
$function$
-- Says that a number is out of range; null if it is not.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.regex_problem(pattern text)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  rest text := pattern;
  -- The pattern without what RE2 knows and Postgres does not, for Postgres's own parser to judge.
  plain text := '';
  token text;
  bounds text[];
  in_class boolean := false;
begin
  if length(pattern) > 1000 then
    return hookd.problem(
      format('the regex has %s characters, 1000 are the limit', length(pattern)),
      'Write a shorter one, or several conditions.');
  elsif pattern ~ '^[*+?]' then
    return hookd.problem(
      'the regex starts with a quantifier',
      'Put something before it, or escape it with a backslash.');
  end if;

  while rest <> '' loop
    token := left(rest, 1);
    if rest ~ '^\\[1-9kg]' then
      return hookd.problem(
        'the regex has a backreference, which RE2 does not know',
        'RE2 matches in linear time and can compare nothing with a group.');
    elsif rest ~ '^\\Q' then
      token := '\Q' || split_part(substr(rest, 3), '\E', 1);
      token := left(rest, length(token) + 2);
      plain := plain || 'x';
    elsif rest ~ '^\\[pP](\{\^?\w+\}|[A-Z])' then
      token := substring(rest from '^\\[pP](?:\{\^?\w+\}|[A-Z])');
      plain := plain || 'x';
    elsif rest ~ '^\\x\{[0-9A-Fa-f]+\}' then
      token := substring(rest from '^\\x\{[0-9A-Fa-f]+\}');
      plain := plain || 'x';
    elsif rest ~ '^\\[AbBCzafnrtvx0]' then
      token := left(rest, 2);
      plain := plain || 'x';
    elsif rest ~ '^\\[dDsSwW]' then
      token := left(rest, 2);
      plain := plain || token;
    elsif rest ~ '^\\([[:alpha:]]|[^\x01-\x7f])' then
      return hookd.problem(
        format('the regex has %s, which RE2 does not know', left(rest, 2)),
        'Write the character itself, a class such as [a-z], or \x{…}.');
    elsif token = '\' then
      token := left(rest, 2);
      plain := plain || token;
    elsif in_class then
      if rest ~ '^\[:\^?\w+:\]' then
        token := substring(rest from '^\[:\^?\w+:\]');
        plain := plain || 'x';
      else
        in_class := token <> ']';
        plain := plain || case when token = '[' then '\[' else token end;
      end if;
    elsif token = '[' then
      in_class := true;
      token := substring(rest from '^\[\^?\]?');
      plain := plain || token;
    elsif rest ~ '^\(\?(=|!|<=|<!)' then
      return hookd.problem(
        'the regex looks around, which RE2 does not do',
        'Combine conditions with "all" and "not" instead.');
    elsif rest ~ '^\(\?P?<\w+>' then
      token := substring(rest from '^\(\?P?<\w+>');
      plain := plain || '(';
    elsif rest ~ '^\(\?[imsU]*(-[imsU]+)?\)' then
      token := substring(rest from '^\(\?[imsU]*(?:-[imsU]+)?\)');
    elsif rest ~ '^\(\?[imsU]*(-[imsU]+)?:' then
      token := substring(rest from '^\(\?[imsU]*(?:-[imsU]+)?:');
      plain := plain || '(?:';
    elsif rest ~ '^\(\?' then
      return hookd.problem(
        format('the regex has a group that starts with %s, which RE2 does not know', left(rest, 3)),
        'Write (…), (?:…), (?P<name>…) or (?i)….');
    elsif rest ~ '^\{\d+(,\d*)?\}' then
      token := substring(rest from '^\{\d+(?:,\d*)?\}');
      bounds := regexp_match(token, '^\{(\d+),?(\d*)\}$');
      if bounds[1]::numeric > 1000 or nullif(bounds[2], '')::numeric > 1000 then
        return hookd.problem(format('the regex repeats %s, 1000 times are the limit', token), 'Write * or +.');
      elsif nullif(bounds[2], '')::numeric < bounds[1]::numeric then
        return hookd.problem(
          format('the regex repeats %s, which ends before it starts', token),
          'Swap the two numbers.');
      end if;
      plain := plain || '{1}';
    elsif token in ('^', '$') then
      plain := plain || 'x'; -- RE2 lets a quantifier follow, Postgres does not
    elsif token = '{' then
      plain := plain || '\{';
    else
      token := substring(rest from '^(?:[^][\\({^$]+|.)');
      plain := plain || token;
    end if;
    rest := substr(rest, length(token) + 1);
  end loop;

  perform '' ~ plain;
  return null;
exception when invalid_regular_expression then
  return hookd.problem(sqlerrm, 'Write a regular expression in RE2 syntax, https://github.com/google/re2/wiki/Syntax');
end
$function$
-- What is wrong with a regular expression in RE2's syntax; null if nothing. The daemon's own engine has the last word.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.replay(delivery uuid DEFAULT NULL::uuid, message text DEFAULT NULL::text, event text DEFAULT NULL::text, subscriber uuid DEFAULT NULL::uuid, state text DEFAULT NULL::text, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, max_count bigint DEFAULT NULL::bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
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
$function$
-- Sends settled deliveries again: one, those of a message, or those that all given filters choose, by default dead ones; event may be a pattern, since and until look at settled_at. Returns how many; max_count takes the oldest first.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.retry_problem(retry jsonb)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  hint constant text := 'Write {"schedule": ["5s", "1m", "2h"]}, {"max": 3} or both, or false for a single attempt.';
  stray text;
  wait jsonb;
begin
  if retry is null or retry = 'false' then
    return null;
  elsif jsonb_typeof(retry) <> 'object' or retry = '{}' then
    return hookd.problem('invalid retry: it says neither "schedule" nor "max"', hint);
  end if;
  select key into stray from jsonb_object_keys(retry) as key where key not in ('schedule', 'max') limit 1;
  if stray is not null then
    return hookd.problem(format('invalid retry: unknown key "%s"', left(stray, 100)), hint);
  elsif retry ? 'max'
    and not retry @? 'strict $.max ? (@.type() == "number" && @ >= 0 && @ <= 1000 && @.floor() == @)' then
    return hookd.problem('invalid retry: "max" is not a whole number from 0 to 1000', hint);
  elsif retry ? 'schedule'
    and not retry @? 'strict $.schedule ? (@.type() == "array" && @.size() >= 1 && @.size() <= 1000)' then
    return hookd.problem('invalid retry: "schedule" is not a list of 1 to 1000 waits', hint);
  end if;
  for wait in select * from jsonb_array_elements(retry -> 'schedule') loop
    if jsonb_typeof(wait) <> 'string' or hookd.duration_seconds(wait #>> '{}') is null then
      return hookd.problem(
        format('invalid retry: %s is not a duration', left(wait::text, 100)),
        'Write 500ms, 15s, 5m, 2h or 7d.');
    elsif hookd.duration_seconds(wait #>> '{}') > 7 * 86400 then
      return hookd.problem(format('invalid retry: %s is too long to wait', wait), 'Write at most "7d".');
    end if;
  end loop;
  return null;
end
$function$
-- What is wrong with a subscriber's retry; null if nothing.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.rotate_secret(id uuid, overlap interval DEFAULT '24:00:00'::interval)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$
-- Gives a subscriber a new secret and returns it. Until the overlap has passed the old one signs too.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.secret_problem(name text, secret text)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  encoded text := substring(secret from '^whsec_(.*)$');
  hint constant text := 'Leave hmac_secret out to get a random one, or call hookd.rotate_secret(id).';
begin
  if secret is null then
    return hookd.problem(format('invalid %s: it is null', name), hint);
  elsif length(secret) not between 16 and 500 then
    return hookd.problem(format('invalid %s: it has %s characters, and needs 16 to 500', name, length(secret)), hint);
  elsif encoded is null then
    return null;
  elsif encoded !~ '^[A-Za-z0-9+/]*={0,2}$' or length(encoded) % 4 <> 0 then
    return hookd.problem(format('invalid %s: what follows whsec_ is not base64', name), hint);
  elsif length(rtrim(encoded, '=')) * 6 / 8 < 16 then
    return hookd.problem(format('invalid %s: what follows whsec_ holds fewer than 16 bytes', name), hint);
  end if;
  return null;
end
$function$
-- What is wrong with a signing secret, without repeating it; null if nothing.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.similarity(a text, b text)
 RETURNS real
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with words as (select ' ' || lower(a) || ' ' as one, ' ' || lower(b) || ' ' as other),
    one as (select distinct substr(one, i, 2) as pair from words, generate_series(1, length(one) - 1) as i),
    other as (select distinct substr(other, i, 2) as pair from words, generate_series(1, length(other) - 1) as i)
  select (2.0 * (select count(*) from one join other using (pair))
    / ((select count(*) from one) + (select count(*) from other)))::real
$function$
-- Shared pairs of letters: 1 for equal words, 0 for nothing in common.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.subscribe(event text, url text, owner text DEFAULT NULL::text, filter jsonb DEFAULT NULL::jsonb, content_type text DEFAULT 'application/json'::text, envelope text DEFAULT 'hookd'::text, hmac_secret text DEFAULT NULL::text, hmac_digest text DEFAULT 'sha256'::text, headers jsonb DEFAULT '{}'::jsonb, ordering text DEFAULT 'row'::text, concurrency integer DEFAULT 8, rate_limit numeric DEFAULT NULL::numeric, batch_size integer DEFAULT 1, batch_wait interval DEFAULT '0'::interval, timeout interval DEFAULT NULL::interval, retry jsonb DEFAULT NULL::jsonb, active boolean DEFAULT true, config jsonb DEFAULT NULL::jsonb, label text DEFAULT NULL::text)
 RETURNS uuid
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$
-- Inserts a subscriber and returns its id; the parameters are the columns of hookd.subscribers. Without hmac_secret it gets a random one.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.subscribers_touch()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$
-- Sets updated_at; clears disabled_at and disabled_reason together.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.subscribers_validate()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  bad record;
begin
  new.hmac_digest := lower(new.hmac_digest);
  -- A value that was there before is not judged again: the catalog of events may have changed since.
  select field, problem into bad
  from (
    values
      ('event', case when new.event is null or new.event is distinct from old.event
        then hookd.event_problem(new.event) end),
      ('url', case when new.url is null or new.url is distinct from old.url
        then hookd.url_problem(new.url) end),
      ('owner', case when new.owner = '' or length(new.owner) > 255
        then hookd.problem(
          'invalid owner: it has no characters, or more than 255',
          'Write null for a subscriber without an owner.') end),
      ('filter', case when new.filter is distinct from old.filter
        then hookd.filter_problem(new.filter) end),
      ('content_type', hookd.choice_problem('content_type', new.content_type,
        '{application/json,application/x-www-form-urlencoded}')),
      ('envelope', hookd.choice_problem('envelope', new.envelope, '{hookd,thorn,resthooks,flat,raw,standard,cloudevents}')),
      ('content_type', case when new.envelope = 'cloudevents' and new.content_type <> 'application/json'
        then hookd.problem('invalid content_type: CloudEvents are JSON',
          'Write content_type = ''application/json''; requests say application/cloudevents+json by themselves.') end),
      ('hmac_secret', case when new.hmac_secret is null or new.hmac_secret is distinct from old.hmac_secret
        then hookd.secret_problem('hmac_secret', new.hmac_secret) end),
      ('hmac_secret_old', case
        when new.hmac_secret_old is not null and new.hmac_secret_old is distinct from old.hmac_secret_old
        then hookd.secret_problem('hmac_secret_old', new.hmac_secret_old) end),
      ('hmac_secret_old_until', case when (new.hmac_secret_old is null) <> (new.hmac_secret_old_until is null)
        then hookd.problem('invalid hmac_secret_old_until: it and hmac_secret_old are set together or not at all',
          'Call hookd.rotate_secret(id), which sets both.') end),
      ('hmac_digest', hookd.choice_problem('hmac_digest', new.hmac_digest, '{sha1,sha224,sha256,sha384,sha512}')),
      ('headers', case when new.headers is null or new.headers is distinct from old.headers
        then hookd.headers_problem(new.headers) end),
      ('ordering', hookd.choice_problem('ordering', new.ordering, '{row,none,subscriber}')),
      ('concurrency', hookd.range_problem('concurrency', new.concurrency, 1, 1000)),
      ('rate_limit', case when new.rate_limit <= 0 or new.rate_limit > 1000000
        then hookd.problem(
          format('invalid rate_limit: %s a second is out of range', new.rate_limit),
          'Write something above 0, at most 1000000, or null for no limit.') end),
      ('batch_size', hookd.range_problem('batch_size', new.batch_size, 1, 1000)),
      ('batch_size', case when new.batch_size > 1 and new.content_type = 'application/x-www-form-urlencoded'
        then hookd.problem('invalid batch_size: a form cannot carry a batch',
          'Write batch_size = 1, or content_type = ''application/json''.') end),
      ('batch_wait', hookd.range_problem('batch_wait', extract(epoch from new.batch_wait), 0, 60, ' seconds')),
      ('timeout', case when new.timeout is not null
        then hookd.range_problem('timeout', extract(epoch from new.timeout), 1, 60, ' seconds') end),
      ('retry', case when new.retry is distinct from old.retry
        then hookd.retry_problem(new.retry) end),
      ('config', case when jsonb_typeof(new.config) <> 'object' or octet_length(new.config::text) > 65536
        then hookd.problem(
          'invalid config: it is not an object of at most 65536 bytes',
          'Write {"key": "value"}.') end),
      ('active', case when new.active is null
        then hookd.problem('invalid active: it is null', 'Write true or false.') end),
      ('id', case when new.id is null or new.created_at is null or new.updated_at is null
        then hookd.problem('invalid id, created_at or updated_at: it is null', 'Leave them out.') end)
  ) as checks (field, problem)
  where problem is not null
  limit 1;
  if bad.problem is not null then
    raise exception using
      errcode = 'check_violation',
      message = (bad.problem).sentence,
      hint = (bad.problem).hint,
      schema = 'hookd',
      table = 'subscribers',
      column = bad.field,
      constraint = 'subscribers_' || bad.field;
  end if;
  return new;
end
$function$
-- Refuses a bad row with SQLSTATE 23514, a sentence, a hint and the column. Leaves rows alone that hookd disables.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.unsubscribe(id uuid)
 RETURNS boolean
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with removed as (delete from hookd.subscribers where subscribers.id = unsubscribe.id returning 1)
  select exists (select from removed)
$function$
-- Removes a subscriber; what is still pending for it is cancelled. False where there is none of that id.
-- privileges: {owner=X/owner}

CREATE OR REPLACE FUNCTION hookd.url_problem(url text)
 RETURNS hookd.problem
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  scheme text := lower(substring(url from '^([A-Za-z][A-Za-z0-9+.-]*):'));
  authority text := substring(url from '^[^:]+://([^/?#]*)');
  port text := substring(authority from ':(\d*)$');
  example constant text := 'Write "https://example.com/hook".';
begin
  -- The URL itself is not repeated: its query may hold a token.
  if coalesce(url, '') = '' then
    return hookd.problem('invalid url: it is empty', example);
  elsif length(url) > 2048 then
    return hookd.problem(
      format('invalid url: it has %s characters, 2048 are the limit', length(url)),
      'Write a shorter one.');
  elsif url ~ '[\x01-\x20\x7f\\]' then
    return hookd.problem(
      'invalid url: it has white space, a control character or a backslash',
      'Percent-encode it: %20 for a space.');
  elsif scheme is null then
    return hookd.problem('invalid url: it has no scheme', example);
  elsif scheme not in ('http', 'https') then
    return hookd.problem(format('invalid url: the scheme "%s" cannot be posted to', left(scheme, 30)), example);
  elsif position('@' in authority) > 0 then
    return hookd.problem(
      'invalid url: it has a user or a password in it',
      'Put credentials into headers: {"Authorization": "Bearer …"}.');
  elsif coalesce(authority, '') !~ '^(\[[0-9A-Fa-f:.]+\]|[^][<>"^`{|}:]+)(:\d{0,5})?$' then
    return hookd.problem('invalid url: it names no host', example);
  elsif port <> '' and port::int not between 1 and 65535 then
    return hookd.problem(format('invalid url: there is no port %s', port), 'Ports go from 1 to 65535.');
  end if;
  return null;
end
$function$
-- What is wrong with a URL as written; null if nothing. Which addresses may be dialled is decided when it is dialled.
-- privileges: {owner=X/owner}

