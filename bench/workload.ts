/** The publication that hookd keeps and that the other readers use too. */
export const PUBLICATION = 'bench'

/** The tables that hookd.yaml names, as wal2json's `add-tables` wants them. */
export const TABLES = 'hookd.subscribers,public.article,public.product'

/**
 * A row of about 300 bytes as JSON, and a table whose updates bring the whole old row. `live_…` write at a steady pace:
 * each change at its time, or as soon after it as the server can.
 */
export const SCHEMA = `
  create table article (
    id bigint primary key,
    title text not null,
    state text not null,
    author_id int not null,
    price numeric not null,
    body text not null,
    created_at timestamptz not null default clock_timestamp()
  );
  create table product (like article including all);
  alter table product replica identity full;
  create sequence live_article start 1000000000;
  create sequence live_product start 1000000000;

  create procedure add_articles(first int, last int) language plpgsql as $$
  begin
    for i in first..last loop
      insert into article values (i, 'The quick brown fox, part ' || i, 'PUBLISHED', i % 100, i / 7.0, repeat('x', 100));
      commit;
    end loop;
  end $$;

  create procedure publish_products(first int, last int) language plpgsql as $$
  begin
    for i in first..last loop
      update product set state = 'PUBLISHED', price = price + 10 where id = i;
      commit;
    end loop;
  end $$;

  create procedure live_articles(count int, per_second float) language plpgsql as $$
  declare
    began timestamptz := clock_timestamp();
    i bigint;
  begin
    for n in 1..count loop
      perform pg_sleep(extract(epoch from began - clock_timestamp()) + n / per_second);
      i := nextval('live_article');
      insert into article values (i, 'The quick brown fox, part ' || i, 'PUBLISHED', i % 100, i / 7.0, repeat('x', 100));
      commit;
    end loop;
  end $$;

  create procedure live_products(count int, per_second float) language plpgsql as $$
  declare
    began timestamptz := clock_timestamp();
    i bigint;
  begin
    for n in 1..count loop
      perform pg_sleep(extract(epoch from began - clock_timestamp()) + n / per_second);
      i := nextval('live_product');
      update product set state = 'PUBLISHED', price = price + 10 where id = i;
      commit;
    end loop;
  end $$;
`

/** The events; in each workload only one of them happens. */
export const YAML = `events:
  article.created: { table: public.article, on: insert, owner: author_id }
  article.sold: { manual: true }
  product.published:
    table: public.product
    on: update
    when: { state: { now_eq: PUBLISHED }, price: { now_gt: 15 }, author_id: { lt: 1000 } }
recipients: { ports: any, block_internal: false }
`

/** What changes, and how the changes are spread over transactions. */
export interface Workload {
  /** Statements that come before the slots are made, for `count` changes. */
  prepare(count: number): string[]
  /** Statements that write `count` changes. */
  write(count: number): string[]
  /** The procedure that writes at a steady pace. */
  readonly live: 'live_articles' | 'live_products'
}

// The loader does not wait for the disk; whoever reads does as always.
const FAST = 'set synchronous_commit = off'
/** Rows for the changes at a steady pace. */
const LIVE_ROWS = 100_000

/** Inserts, each in a transaction of its own. */
export const INSERTS: Workload = {
  prepare: () => ['truncate article'],
  write: (count) => [FAST, `call add_articles(1, ${count})`],
  live: 'live_articles',
}

/** Inserts, all in one transaction. */
export const ONE_TRANSACTION: Workload = {
  prepare: () => ['truncate article'],
  write: (count) => [
    `insert into article
     select i, 'The quick brown fox, part ' || i, 'PUBLISHED', i % 100, i / 7.0, repeat('x', 100)
     from generate_series(1, ${count}) i`,
  ],
  live: 'live_articles',
}

/** Updates that bring the old row whole, each in a transaction of its own. */
export const UPDATES: Workload = {
  prepare: (count) => ['truncate product', addProducts(1, count), addProducts(1_000_000_000, LIVE_ROWS)],
  write: (count) => [FAST, `call publish_products(1, ${count})`],
  live: 'live_products',
}

function addProducts(first: number, count: number): string {
  return `
    insert into product
    select i, 'The quick brown fox, part ' || i, 'DRAFT', i % 100, 10, repeat('x', 100)
    from generate_series(${first}, ${first + count - 1}) i`
}
