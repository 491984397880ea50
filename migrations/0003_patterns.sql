-- Event names and the patterns that subscribers write.

create function hookd.event_matches(pattern text, event text) returns boolean
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case
    when pattern = '*' then true
    when position('*' in pattern) = 0 then pattern = event
    else event ~ (
      '^' || replace(
        regexp_replace(regexp_replace(pattern, '([^[:alnum:]_*])', '\\\1', 'g'), '\*$', '.+'),
        '*', '[^.]+') || '$')
  end
$$;

comment on function hookd.event_matches(text, text) is
  'Whether a subscriber''s name or pattern covers an event: a * stands for one segment, at the end for one or more.';

create function hookd.event_reachable(pattern text, declared text) returns boolean
language plpgsql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.event_reachable(text, text) is
  'Whether a pattern could cover a name as hookd.yaml declares it, where {…} stands for any text.';

create function hookd.similarity(a text, b text) returns real
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  with words as (select ' ' || lower(a) || ' ' as one, ' ' || lower(b) || ' ' as other),
    one as (select distinct substr(one, i, 2) as pair from words, generate_series(1, length(one) - 1) as i),
    other as (select distinct substr(other, i, 2) as pair from words, generate_series(1, length(other) - 1) as i)
  select (2.0 * (select count(*) from one join other using (pair))
    / ((select count(*) from one) + (select count(*) from other)))::real
$$;

comment on function hookd.similarity(text, text) is
  'Shared pairs of letters: 1 for equal words, 0 for nothing in common.';

create function hookd.nearest(word text, candidates text[]) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(format('"%s"', candidate), ', ' order by likeness desc, candidate)
  from (
    select candidate, hookd.similarity(left(word, 255), candidate) as likeness
    from unnest(candidates) as candidate
    order by likeness desc, candidate
    limit 3
  ) as best
$$;

comment on function hookd.nearest(text, text[]) is
  'The three candidates most like a word, quoted, for an error message.';

create type hookd.problem as (sentence text, hint text);

comment on type hookd.problem is 'What is wrong with a value, and what to write instead.';

create function hookd.problem(sentence text, hint text) returns hookd.problem
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select row(sentence, hint)::hookd.problem
$$;

comment on function hookd.problem(text, text) is 'Puts a problem into words.';

create function hookd.event_problem(pattern text) returns hookd.problem
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.event_problem(text) is
  'What is wrong with a subscriber''s event; null if nothing. An empty catalog accepts any name.';
