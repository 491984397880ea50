import type { Relation } from '../replication/change.ts'
import type { RowPair } from './event.ts'
import { jsonMembers } from './json-path.ts'
import { JSONB } from './kind.ts'

/**
 * The data of an emitted event as a row that was inserted, for the filters of its subscribers: each top-level key is a
 * jsonb column. Data that is no object gives a row without columns. Throws UnmappableValue on malformed JSON.
 */
export function emittedPair(data: string): RowPair {
  const members = jsonMembers(data)
  const names = [...members.keys()]
  const relation: Relation = {
    name: '',
    schema: '',
    table: '',
    columns: names.map((name) => ({ name, typeOid: JSONB })),
    index: new Map(names.map((name, index) => [name, index])),
    key: [],
  }
  return { op: 'insert', old: null, oldComplete: false, new: { relation, cells: [...members.values()] } }
}

/** Whether a row came from `emittedPair`: no table is without a schema. What such a row lacks is NULL, not unknown. */
export function isEmitted(relation: Relation): boolean {
  return relation.schema === ''
}
