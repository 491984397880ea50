-- What hookd itself writes: the catalog of events, the ledger of deliveries, and how far the slot is settled.

create table hookd.events (
  name text primary key,
  manual boolean not null default false,
  table_name text,
  operations text[] not null default '{}',
  fields text[] not null default '{}',
  description text,
  label text,
  enabled boolean not null default true,
  updated_at timestamptz not null default now()
);

comment on table hookd.events is 'The events that hookd.yaml declares, written by the daemon when it loads the file.';
comment on column hookd.events.name is 'The name sent; {…} in it stands for a value of the row.';
comment on column hookd.events.manual is 'Sent with hookd.emit() rather than by changes of a table.';
comment on column hookd.events.table_name is 'schema.table whose changes it reports; null for a manual event.';
comment on column hookd.events.operations is 'insert, update, delete, truncate.';
comment on column hookd.events.fields is 'Keys of the payload''s data.';
comment on column hookd.events.description is 'From hookd.yaml.';
comment on column hookd.events.label is 'From hookd.yaml.';
comment on column hookd.events.enabled is 'false: declared but not sent.';
comment on column hookd.events.updated_at is 'When the daemon last wrote the row.';

create table hookd.messages (
  id text not null,
  variant text not null,
  event text not null,
  declared_event text not null,
  content_type text not null,
  headers jsonb not null default '[]',
  body bytea,
  table_name text,
  row_key jsonb,
  op text,
  commit_lsn pg_lsn,
  lsn pg_lsn,
  ordinal int,
  xid bigint,
  committed_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (id, variant)
) with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  toast.autovacuum_vacuum_scale_factor = 0.02,
  toast.autovacuum_vacuum_threshold = 1000
);

comment on table hookd.messages is
  'A body that is kept because some delivery needs it: one match of an event, in one rendering.';
comment on column hookd.messages.id is 'The same after every re-read of the WAL; sent as webhook-id.';
comment on column hookd.messages.variant is
  'Which rendering: envelope, content type and whatever else the body depends on.';
comment on column hookd.messages.event is 'The name sent.';
comment on column hookd.messages.declared_event is 'The event as hookd.yaml declares it.';
comment on column hookd.messages.content_type is 'Of the body.';
comment on column hookd.messages.headers is 'The event''s own headers: [name, value, …].';
comment on column hookd.messages.body is
  'The exact bytes of every attempt; null where they could not be rendered or were removed.';
comment on column hookd.messages.table_name is 'schema.table of the row; null for a message of hookd.emit().';
comment on column hookd.messages.row_key is 'The row''s key, {"id": 1}; null where it has none.';
comment on column hookd.messages.op is 'insert, update, delete, truncate or emit.';
comment on column hookd.messages.commit_lsn is 'Start of the transaction''s commit record.';
comment on column hookd.messages.lsn is 'LSN of the change.';
comment on column hookd.messages.ordinal is 'Position among the changes that share the LSN.';
comment on column hookd.messages.xid is 'The transaction.';
comment on column hookd.messages.committed_at is 'When it committed.';
comment on column hookd.messages.created_at is 'When the row was written.';

create table hookd.deliveries (
  id uuid primary key,
  message_id text not null,
  variant text not null,
  event text not null,
  subscriber_id uuid not null,
  url text,
  state text not null default 'pending'
    constraint deliveries_state check (state in ('pending', 'delivered', 'dead', 'cancelled')),
  attempts int not null default 0,
  next_attempt_at timestamptz,
  last_status int,
  last_error text,
  last_class text,
  row_key text not null,
  old_row_key text,
  commit_lsn pg_lsn not null,
  lsn pg_lsn not null,
  ordinal int not null,
  batch_id uuid,
  replayed int not null default 0,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  settled_at timestamptz
) with (
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05,
  autovacuum_vacuum_cost_delay = 0
);

create index deliveries_fresh on hookd.deliveries (subscriber_id, commit_lsn, lsn, ordinal, id)
  where state = 'pending' and attempts = 0;
create index deliveries_due on hookd.deliveries (subscriber_id, next_attempt_at)
  where state = 'pending' and attempts > 0;
create index deliveries_row on hookd.deliveries (subscriber_id, row_key, commit_lsn, lsn, ordinal)
  where state = 'pending';
create index deliveries_settled on hookd.deliveries (settled_at)
  where state <> 'pending';
create index deliveries_message on hookd.deliveries (message_id);

comment on table hookd.deliveries is
  'A message on its way to a subscriber. What was delivered at once appears here only under "delivery_log: all".';
comment on column hookd.deliveries.id is 'The same after every re-read of the WAL; sent as Hook-Delivery.';
comment on column hookd.deliveries.message_id is 'hookd.messages.id';
comment on column hookd.deliveries.variant is 'hookd.messages.variant';
comment on column hookd.deliveries.event is 'The name sent.';
comment on column hookd.deliveries.subscriber_id is 'hookd.subscribers.id, or the id of a subscriber of hookd.yaml.';
comment on column hookd.deliveries.url is 'The URL of the last attempt; null before the first.';
comment on column hookd.deliveries.state is
  'pending; delivered (answered 2xx); dead (given up, see last_error; hookd.replay() sends it again); cancelled (its '
  'subscriber was removed).';
comment on column hookd.deliveries.attempts is 'Failed or delivered attempts since it became pending.';
comment on column hookd.deliveries.next_attempt_at is 'When the next attempt is due; null is at once.';
comment on column hookd.deliveries.last_status is 'HTTP status of the last attempt; null where there was no answer.';
comment on column hookd.deliveries.last_error is 'What went wrong, in a sentence.';
comment on column hookd.deliveries.last_class is 'The kind of failure: status, timeout, refused, tls_error, …';
comment on column hookd.deliveries.row_key is 'Deliveries that share it are sent one at a time, in commit order.';
comment on column hookd.deliveries.old_row_key is
  'The row_key before this change, where the change gave the row another key.';
comment on column hookd.deliveries.commit_lsn is 'Start of the transaction''s commit record.';
comment on column hookd.deliveries.lsn is 'LSN of the change.';
comment on column hookd.deliveries.ordinal is 'Position among the changes that share the LSN.';
comment on column hookd.deliveries.batch_id is 'Deliveries that failed in one request and are sent again together.';
comment on column hookd.deliveries.replayed is 'How often hookd.replay() sent it again.';
comment on column hookd.deliveries.created_at is 'When the row was written.';
comment on column hookd.deliveries.updated_at is 'When the row last changed.';
comment on column hookd.deliveries.settled_at is
  'When it was delivered, given up or cancelled; kept for the retention time from then on.';

create table hookd.attempts (
  delivery_id uuid not null,
  replayed int not null default 0,
  attempt int not null,
  at timestamptz not null default now(),
  url text,
  status int,
  class text,
  error text,
  duration_ms int,
  response bytea,
  primary key (delivery_id, replayed, attempt)
) with (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000
);

comment on table hookd.attempts is 'One row per try. The key makes recording one twice harmless and survives replays.';
comment on column hookd.attempts.delivery_id is 'hookd.deliveries.id';
comment on column hookd.attempts.replayed is
  'hookd.deliveries.replayed at the time: after a replay attempts count from 1 again.';
comment on column hookd.attempts.attempt is '1 is the first.';
comment on column hookd.attempts.at is 'When it started.';
comment on column hookd.attempts.url is 'The URL used.';
comment on column hookd.attempts.status is 'HTTP status; null where there was no answer.';
comment on column hookd.attempts.class is 'The kind of failure; null for success.';
comment on column hookd.attempts.error is 'What went wrong, in a sentence.';
comment on column hookd.attempts.duration_ms is 'From start to the end of the answer.';
comment on column hookd.attempts.response is 'The first 16 KiB of the answer, as received.';

create table hookd.errors (
  id uuid primary key,
  at timestamptz not null default now(),
  kind text not null,
  event text,
  table_name text,
  row_key jsonb,
  lsn pg_lsn,
  subscriber_id uuid,
  message text not null
);

create index errors_at on hookd.errors (at);

comment on table hookd.errors is
  'What could not become a message: rows that could not be read, conditions and templates that failed.';
comment on column hookd.errors.id is 'Derived from the change, so that reading it again adds nothing.';
comment on column hookd.errors.at is 'When it was recorded.';
comment on column hookd.errors.kind is 'What kind of failure, for counting.';
comment on column hookd.errors.event is 'The event that was not sent; null where it concerns the whole change.';
comment on column hookd.errors.table_name is 'schema.table, as far as known.';
comment on column hookd.errors.row_key is 'The row''s key, as far as known.';
comment on column hookd.errors.lsn is 'LSN of the change.';
comment on column hookd.errors.subscriber_id is 'The subscriber concerned; null for all.';
comment on column hookd.errors.message is 'What went wrong, in a sentence.';

-- Updated several times a second: a page that is mostly free keeps every update HOT.
create table hookd.progress (
  slot text primary key,
  system_id text,
  timeline int,
  plugin text,
  lsn pg_lsn,
  confirm_limit pg_lsn,
  read_upto text,
  open jsonb,
  epoch bigint not null default 0,
  holder text,
  updated_at timestamptz not null default now()
) with (
  fillfactor = 10,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 500,
  toast.autovacuum_vacuum_scale_factor = 0,
  toast.autovacuum_vacuum_threshold = 500
);

comment on table hookd.progress is
  'How far each slot is settled. The daemon starts here, not where the server remembers to be.';
comment on column hookd.progress.slot is 'Name of the replication slot.';
comment on column hookd.progress.system_id is 'The cluster that the position belongs to.';
comment on column hookd.progress.timeline is 'Its timeline.';
comment on column hookd.progress.plugin is 'wal2json or pgoutput.';
comment on column hookd.progress.lsn is 'End LSN of the last transaction that is settled, with all before it.';
comment on column hookd.progress.confirm_limit is 'Nothing beyond it has been confirmed to the server.';
comment on column hookd.progress.read_upto is
  'Position inside later transactions up to which everything is settled but what "open" lists; null where there is '
  'none.';
comment on column hookd.progress.open is 'What lies before read_upto and is not settled yet.';
comment on column hookd.progress.epoch is
  'Grows with every process that takes the slot; writes of an older one are refused.';
comment on column hookd.progress.holder is 'The process that holds the slot.';
comment on column hookd.progress.updated_at is 'When the row was written.';

create table hookd.directory (
  slot text not null,
  id uuid not null,
  row jsonb not null,
  primary key (slot, id)
);

comment on table hookd.directory is
  'hookd.subscribers as of progress.lsn. A restart re-reads changes from there and must know who was subscribed then, '
  'not who is now. Holds secrets: for the daemon''s role alone.';
comment on column hookd.directory.slot is 'Name of the replication slot.';
comment on column hookd.directory.id is 'hookd.subscribers.id';
comment on column hookd.directory.row is 'The subscriber''s row.';
