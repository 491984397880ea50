-- The grammar of a subscriber's filter: the language of "when" in hookd.yaml.

create function hookd.regex_problem(pattern text) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.regex_problem(text) is
  'What is wrong with a regular expression in RE2''s syntax; null if nothing. The daemon''s own engine has the last '
  'word.';

create function hookd.operand_problem(operator text, operand jsonb, depth int) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.operand_problem(text, jsonb, int) is
  'What is wrong with an operator of a condition and what it compares with; null if nothing.';

create function hookd.condition_problem(
  condition jsonb, path text default '', depth int default 1
) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.condition_problem(jsonb, text, int) is
  'What is wrong with the grammar of a condition; null if nothing. Whether its columns exist depends on the event: '
  'the daemon decides.';

create function hookd.filter_problem(filter jsonb) returns hookd.problem
language plpgsql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
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
$$;

comment on function hookd.filter_problem(jsonb) is 'What is wrong with a subscriber''s filter; null if nothing.';
