-- How many deliveries of these events, by their declared names, are still to be sent.
select m.declared_event as event, count(*)::int as count
from hookd.deliveries d
join hookd.messages m on m.id = d.message_id and m.variant = d.variant
where d.state = 'pending' and m.declared_event = any($1)
group by m.declared_event
