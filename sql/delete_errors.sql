delete from hookd.errors
where id in (select id from hookd.errors where at < now() - make_interval(secs => $1) order by at limit $2)
