/** The application that the demo plays: it knows nothing of hookd. */
export const BLOG_SQL = `
create table author (
  id int primary key generated always as identity,
  name text not null
);

create table article (
  id int primary key generated always as identity,
  author_id int not null references author (id),
  title text not null,
  state text not null default 'DRAFT',
  words int not null default 0
);

alter table article replica identity full; -- events may then look at the row as it was before

insert into author (name) values ('Ada');
`

/** What hookd sends of it. */
export const BLOG_YAML = `tables:
  public.article:
    ref: "https://blog.example/articles/{id}"
    sender: author_id

events:
  article.created: { table: public.article, on: insert }
  article.published:
    table: public.article
    on: [insert, update]
    when: { state: { now_eq: PUBLISHED } }
  article.edited:
    table: public.article
    on: update
    changed: [title, words]
    include: [changed, old]
  article.removed: { table: public.article, on: delete }
  tour.marker: { manual: true }

delivery:
  retry: { schedule: [500ms, 1s, 2s, 5s] }

recipients: { block_internal: false, ports: any } # the endpoint of this demo is on this machine
`
