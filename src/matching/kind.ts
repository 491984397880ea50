import { jsonConverter } from '../values/to-json.ts'
import type { TypeLookup } from '../values/types.ts'

/**
 * How the values of a data type compare.
 *
 * `padded` is `char(n)`, whose trailing blanks do not count. `json` is every type with named parts (json, jsonb, hstore,
 * composite types), seen as `to_jsonb` shows it; `toJson` is null where the text is JSON already. `other` is every type
 * whose values are told apart by their text form and have no order here: enums, intervals, inet, bytea, ranges.
 */
export type Kind =
  | { readonly name: ScalarKind }
  | { readonly name: 'json'; readonly toJson: ((text: string) => string) | null }
  | { readonly name: 'array'; readonly element: Kind; readonly delimiter: string }

export type ScalarKind = 'number' | 'boolean' | 'text' | 'padded' | 'uuid' | 'timestamp' | 'time' | 'other'

const JSON_TEXT: Kind = { name: 'json', toJson: null }
const OTHER: Kind = { name: 'other' }

/** These never change: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat */
const BUILT_IN: ReadonlyMap<number, Kind> = new Map([
  ...kinds('boolean', 16),
  ...kinds('number', 20, 21, 23, 26, 700, 701, 1700),
  ...kinds('text', 18, 19, 25, 1043),
  ...kinds('padded', 1042),
  ...kinds('uuid', 2950),
  ...kinds('timestamp', 1082, 1114, 1184),
  ...kinds('time', 1083, 1266),
  [114, JSON_TEXT],
  [3802, JSON_TEXT],
])

/** OID of jsonb. */
export const JSONB = 3802

/** The kind of a type; a domain is of the kind of its base type. */
export function kindOf(typeOid: number, types: TypeLookup): Kind {
  const builtIn = BUILT_IN.get(typeOid)
  if (builtIn !== undefined) return builtIn
  const type = types(typeOid)
  switch (type?.kind) {
    case 'domain':
      return kindOf(type.base, types)
    case 'array':
      return { name: 'array', element: kindOf(type.element, types), delimiter: type.delimiter }
    case 'hstore':
    case 'composite':
      return { name: 'json', toJson: jsonConverter(types)(typeOid) }
    default:
      return type?.name === 'citext' ? { name: 'text' } : OTHER
  }
}

function kinds(name: ScalarKind, ...oids: number[]): [number, Kind][] {
  return oids.map((oid) => [oid, { name }])
}
