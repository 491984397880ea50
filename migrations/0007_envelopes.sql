-- The envelopes standard and cloudevents.

-- Runs with its owner's rights, so that whoever may insert needs no others.
create or replace function hookd.subscribers_validate() returns trigger
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
$$;

comment on column hookd.subscribers.envelope is
  'Shape of the body: hookd, thorn, resthooks, flat, raw, standard or cloudevents.';
