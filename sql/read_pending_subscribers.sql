-- Every subscriber that has something pending, by skipping from one to the next in the index.
with recursive pending as (
  (select subscriber_id from hookd.deliveries where state = 'pending' order by subscriber_id limit 1)
  union all
  select (
    select d.subscriber_id from hookd.deliveries d
    where d.state = 'pending' and d.subscriber_id > p.subscriber_id
    order by d.subscriber_id limit 1
  )
  from pending p
  where p.subscriber_id is not null
)
select subscriber_id from pending where subscriber_id is not null
