-- Events of one change go out in the order of their declared names, also those that are read back.

-- By default empty, because an older hookd does not write it.
alter table hookd.deliveries add column declared_event text collate "C" not null default '';

update hookd.deliveries
set declared_event = messages.declared_event
from hookd.messages
where messages.id = deliveries.message_id and messages.variant = deliveries.variant;

drop index hookd.deliveries_fresh;
create index deliveries_fresh
  on hookd.deliveries (subscriber_id, commit_lsn, lsn, ordinal, declared_event, id)
  where state = 'pending' and attempts = 0;

comment on column hookd.deliveries.declared_event is
  'The event as hookd.yaml declares it: the order among the events of one change.';
