import type pg from 'pg'
import type { Dice } from '../random.ts'

/** One statement or more within an open transaction. */
type Step = (client: pg.Client, dice: Dice) => Promise<unknown>

const ITEMS = 60
const PLAINS = 40
/** Rows that are copied or inserted by the hundred have ids of their own. */
const FIRST_BULK_ID = 1000

const STATES = ['DRAFT', 'REVIEW', 'PUBLISHED', null]
export const OWNERS = ['a', 'b', null]
const AMOUNTS = ['0', '1.10', '49.999', '50', '1000000000000000000.5', '-3', null]
const NOTES = ['', 'plain', 'naïve "quotes" \\ and \n lines', '\u2028 𝄞 end', null]

/** A transaction of a writer, with its end: one in ten is rolled back. */
export async function writeTransaction(client: pg.Client, dice: Dice): Promise<void> {
  const size = dice.weighted([
    ['tiny', 55],
    ['normal', 42],
    ['copy', 2],
    ['large', 1],
  ])
  await client.query('begin')
  if (size === 'copy') await copy(client, dice)
  else if (size === 'large') await insertMany(client, dice)
  else for (let left = size === 'tiny' ? 1 : dice.whole(2, 6); left > 0; left--) await step(client, dice)
  if (dice.chance(0.15)) await undo(client, dice)
  await client.query(dice.chance(0.1) ? 'rollback' : 'commit')
}

async function step(client: pg.Client, dice: Dice): Promise<void> {
  const chosen = dice.weighted<Step>([
    [saveItem, 30],
    [updateItem, 40],
    [removeItem, 8],
    [moveItem, 6],
    [touchMany, 3],
    [savePlain, 15],
    [movePlain, 3],
    [removePlain, 3],
    [emitNote, 12],
  ])
  await chosen(client, dice)
}

/** What a savepoint takes back, some of it within another savepoint that was kept. */
async function undo(client: pg.Client, dice: Dice): Promise<void> {
  await client.query('savepoint outer_one')
  await step(client, dice)
  await client.query('savepoint inner_one')
  await step(client, dice)
  await client.query(dice.chance(0.5) ? 'release inner_one' : 'rollback to inner_one')
  await client.query('rollback to outer_one')
  if (dice.chance(0.5)) await step(client, dice)
}

const saveItem: Step = (client, dice) =>
  client.query(
    `insert into item (id, state, owner, amount, big, note, tags, at)
     values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
     on conflict (id) do update set stamp = nextval('chaos.stamps'), state = excluded.state, owner = excluded.owner,
       amount = excluded.amount, note = excluded.note`,
    [dice.whole(1, ITEMS), ...itemValues(dice)],
  )

function itemValues(dice: Dice): unknown[] {
  const note = dice.chance(0.01) ? 'long '.repeat(dice.whole(1000, 10_000)) : dice.pick(NOTES)
  const tags = JSON.stringify({ list: [dice.whole(0, 9), '1.0', null], deep: { x: dice.pick(STATES) } })
  return [dice.pick(STATES), dice.pick(OWNERS), dice.pick(AMOUNTS), '9007199254740993', note, tags]
}

const updateItem: Step = (client, dice) =>
  client.query(`update item set stamp = nextval('chaos.stamps'), state = $2, amount = $3 where id = $1`, [
    dice.whole(1, ITEMS),
    dice.pick(STATES),
    dice.pick(AMOUNTS),
  ])

const removeItem: Step = (client, dice) => client.query('delete from item where id = $1', [dice.whole(1, ITEMS)])

const moveItem: Step = (client, dice) =>
  client.query(
    `update item set id = $2, stamp = nextval('chaos.stamps')
     where id = $1 and not exists (select from item where id = $2)`,
    [dice.whole(1, ITEMS), dice.whole(1, ITEMS)],
  )

const touchMany: Step = (client, dice) => {
  const first = dice.whole(1, ITEMS)
  return client.query(`update item set stamp = nextval('chaos.stamps') where id between $1 and $2`, [first, first + 15])
}

const savePlain: Step = (client, dice) =>
  client.query(
    `insert into plain (id, owner, note) values ($1, $2, $3)
     on conflict (id) do update set stamp = nextval('chaos.stamps'), note = excluded.note`,
    [dice.whole(1, PLAINS), dice.pick(OWNERS), dice.pick(NOTES)],
  )

const movePlain: Step = (client, dice) =>
  client.query(
    `update plain set id = $2, stamp = nextval('chaos.stamps')
     where id = $1 and not exists (select from plain where id = $2)`,
    [dice.whole(1, PLAINS), dice.whole(1, PLAINS)],
  )

const removePlain: Step = (client, dice) => client.query('delete from plain where id = $1', [dice.whole(1, PLAINS)])

const emitNote: Step = (client, dice) =>
  client.query(`select chaos.emit('note.sent', $1, $2, $3)`, [
    JSON.stringify({ text: dice.pick(NOTES) }),
    dice.pick(['note:1', 'note:2', null]),
    dice.pick(OWNERS),
  ])

/** COPY writes many rows under one LSN. */
const copy: Step = async (client, dice) => {
  const [first, count] = [FIRST_BULK_ID + dice.whole(0, 20) * 1000, dice.whole(5, 80)]
  await client.query('delete from plain where id between $1 and $2', [first, first + 999])
  const program = `for i in $(seq ${first} ${first + count}); do echo "$i,a,copied"; done`
  await client.query(`copy plain (id, owner, note) from program '${program}' (format csv)`)
}

const insertMany: Step = async (client, dice) => {
  const [first, count] = [FIRST_BULK_ID + dice.whole(0, 20) * 1000, dice.whole(100, 600)]
  await client.query('delete from plain where id between $1 and $2', [first, first + 999])
  await client.query('insert into plain (id, note) select id, $3 from generate_series($1::int, $2::int) as id', [
    first,
    first + count,
    'one of many',
  ])
}
