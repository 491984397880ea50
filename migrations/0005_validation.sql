-- Refuses bad subscribers, each with a sentence and a hint that says what to write instead (SQLSTATE 23514).

create function hookd.url_problem(url text) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.url_problem(text) is
  'What is wrong with a URL as written; null if nothing. Which addresses may be dialled is decided when it is dialled.';

create function hookd.secret_problem(name text, secret text) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.secret_problem(text, text) is
  'What is wrong with a signing secret, without repeating it; null if nothing.';

create function hookd.headers_problem(headers jsonb) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.headers_problem(jsonb) is
  'What is wrong with a subscriber''s extra headers, without repeating values; null if nothing.';

create function hookd.duration_seconds(duration text) returns numeric
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select sum(part[1]::numeric
    * case part[2] when 'ms' then 0.001 when 's' then 1 when 'm' then 60 when 'h' then 3600 else 86400 end)
  from regexp_matches(duration, '(\d+(?:\.\d+)?)(ms|[smhd])', 'g') as part
  where duration ~ '^(\d{1,9}(\.\d{1,9})?(ms|s|m|h|d))+$'
$$;

comment on function hookd.duration_seconds(text) is '1h30m, 500ms or 7d in seconds; null for anything else.';

create function hookd.retry_problem(retry jsonb) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.retry_problem(jsonb) is 'What is wrong with a subscriber''s retry; null if nothing.';

create function hookd.choice_problem(name text, value text, choices text[]) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if value = any (choices) then
    return null;
  end if;
  return hookd.problem(
    case when value is null then format('invalid %s: it is null', name) else format('invalid %s '
      '"%s"', name, left(value, 100)) end,
    format('Write one of %s.', array_to_string(choices, ', ')));
end
$$;

comment on function hookd.choice_problem(text, text, text[]) is
  'Says that a value is none of the choices; null if it is one.';

create function hookd.range_problem(
  name text, value numeric, low numeric, high numeric, unit text default ''
) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
begin
  if value between low and high then
    return null;
  end if;
  return hookd.problem(
    case when value is null then format('invalid %s: it is null', name)
      else format('invalid %s: %s%s is out of range', name, trim_scale(value), unit) end,
    format('Write something from %s to %s%s.', low, high, unit));
end
$$;

comment on function hookd.range_problem(text, numeric, numeric, numeric, text) is
  'Says that a number is out of range; null if it is not.';

-- Runs with its owner's rights, so that whoever may insert needs no others.
create function hookd.subscribers_validate() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
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
      ('envelope', hookd.choice_problem('envelope', new.envelope, '{hookd,thorn,resthooks,flat,raw}')),
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
$$;

comment on function hookd.subscribers_validate() is
  'Refuses a bad row with SQLSTATE 23514, a sentence, a hint and the column. Leaves rows alone that hookd disables.';

create trigger subscribers_validate before insert or update of
  id, event, url, owner, filter, content_type, envelope, hmac_secret, hmac_secret_old, hmac_secret_old_until,
  hmac_digest, headers, ordering, concurrency, rate_limit, batch_size, batch_wait, timeout, retry, active, config,
  created_at
  on hookd.subscribers
  for each row
  execute function hookd.subscribers_validate();
