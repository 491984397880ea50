/** One stop of the tour: a statement, and the webhooks that it must cause. */
export interface Stop {
  readonly title: string
  readonly notes: readonly string[]
  readonly sql: string
  /** In any order. */
  readonly events: readonly string[]
  /** How often the endpoint answers 500 before it recovers. */
  readonly failures: number
  /** Said when the webhooks are there. */
  readonly after?: string
}

export const STOPS: readonly Stop[] = [
  {
    title: 'A draft',
    notes: ['An ordinary insert. Nothing in the application knows of hookd.'],
    sql: `insert into article (author_id, title) values (1, 'On Engines')`,
    events: ['article.created'],
    failures: 0,
  },
  {
    title: 'Publishing it',
    notes: ['The event has a condition: "state: { now_eq: PUBLISHED }" is true when the change made it so.'],
    sql: `update article set state = 'PUBLISHED' where id = 1`,
    events: ['article.published'],
    failures: 0,
  },
  {
    title: 'An edit',
    notes: ['It is published already, so this is another event, which also brings the row as it was.'],
    sql: `update article set title = 'Notes on Engines', words = 20000 where id = 1`,
    events: ['article.edited'],
    failures: 0,
  },
  {
    title: 'A rollback',
    notes: [
      'What is rolled back never happened. To see that nothing comes, an event is emitted by hand',
      'afterwards: the next webhook is that one.',
    ],
    sql: `begin;
insert into article (author_id, title) values (1, 'A mistake');
rollback;
select hookd.emit('tour.marker', '{"after": "the rollback"}')`,
    events: ['tour.marker'],
    failures: 0,
    after: 'Commit is publish; rollback sends nothing.',
  },
  {
    title: 'A delete',
    notes: ['The webhook brings the row that is gone.'],
    sql: 'delete from article where id = 1',
    events: ['article.removed'],
    failures: 0,
  },
  {
    title: 'An endpoint that fails, and recovers',
    notes: ['From here on the endpoint answers 500 twice. hookd tries again after 0.5 s and 1 s (hookd.yaml).'],
    sql: `insert into article (author_id, title) values (1, 'Sketch')`,
    events: ['article.created'],
    failures: 2,
    after: 'Three attempts, one Hook-Delivery, the same bytes: the endpoint can tell that they are one.',
  },
]
