-- The tables of the workload, and the journal that tells what was committed without asking hookd.

create schema chaos;

-- Every row version and every emitted message gets one of its own, which tells it from all others.
create sequence chaos.stamps;

create table public.item (
  id int primary key,
  stamp bigint not null default nextval('chaos.stamps'),
  state text,
  owner text,
  amount numeric,
  big bigint,
  note text,
  tags jsonb,
  at timestamptz
);
alter table public.item replica identity full;

create table public.plain (
  id int primary key,
  stamp bigint not null default nextval('chaos.stamps'),
  owner text,
  note text
);

create table chaos.journal (
  seq bigint generated always as identity primary key,
  xid bigint not null default pg_current_xact_id()::text::bigint,
  source text not null,
  op text not null,
  old_row jsonb,
  new_row jsonb
);

create function chaos.record() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
begin
  insert into chaos.journal (source, op, old_row, new_row) values (
    tg_table_schema || '.' || tg_table_name,
    lower(tg_op),
    case when tg_op <> 'INSERT' then to_jsonb(old) end,
    case when tg_op <> 'DELETE' then to_jsonb(new) end);
  return null;
end
$$;

create function chaos.emit(event text, data jsonb, ref text, owner text) returns void
language plpgsql
as $$
declare
  stamped jsonb := data || jsonb_build_object('stamp', nextval('chaos.stamps'));
begin
  insert into chaos.journal (source, op, new_row)
  values ('emit:' || event, 'emit', jsonb_build_object('data', stamped, 'ref', ref, 'owner', owner));
  perform hookd.emit(event, stamped, ref, null, owner);
end
$$;

create trigger journal after insert or update or delete on public.item
  for each row execute function chaos.record();
create trigger journal after insert or update or delete on public.plain
  for each row execute function chaos.record();
create trigger journal after insert or update or delete on hookd.subscribers
  for each row execute function chaos.record();

-- A second slot, read through SQL, gives the order of commits. Which transaction is enough: the rows are in the journal.
create publication chaos_journal for table chaos.journal (xid) with (publish = 'insert');
