/** The publication that hookd keeps and that the other readers use too. */
export const PUBLICATION = 'bench'

/** The tables that hookd.yaml names, as wal2json's `add-tables` wants them. */
export const TABLES = 'hookd.subscribers,public.article,public.product'

/** A row of about 300 bytes as JSON, and a table whose updates bring the whole old row. */
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
  insert into product select g, 'Product ' || g, 'DRAFT', g % 100, 10, repeat('x', 100) from generate_series(1, 100000) g;

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
`

/** The events; only `article.created` and `product.published` have subscribers that count. */
export const YAML = `events:
  article.created: { table: public.article, on: insert, owner: author_id }
  article.sold: { manual: true }
  product.published:
    table: public.product
    on: update
    when: { state: { now_eq: PUBLISHED }, price: { now_gt: 15 }, author_id: { lt: 1000 } }
recipients: { ports: any, block_internal: false }
`

/** How changes are spread over transactions. */
export interface Shape {
  /** The statements that write `count` changes. */
  write(count: number): string[]
}

// The loader does not wait for the disk; whoever reads does as always.
const FAST = 'set synchronous_commit = off'

/** Inserts, each in a transaction of its own. */
export const ONE_ROW: Shape = { write: (count) => [FAST, `call add_articles(1, ${count})`] }
