/**
 * A PostgreSQL data type, as `pg_type` describes it, reduced to what turning its text form into JSON needs.
 *
 * `scalar` covers every type without inner structure, ranges included. `jsonCast` types are not told apart: their text
 * form is passed through, except `hstore`, which Postgres itself maps to an object.
 */
export type PgType =
  | { readonly kind: 'scalar'; readonly oid: number; readonly name: string }
  | { readonly kind: 'hstore'; readonly oid: number; readonly name: string }
  | { readonly kind: 'domain'; readonly oid: number; readonly name: string; readonly base: number }
  | {
      readonly kind: 'array'
      readonly oid: number
      readonly name: string
      readonly element: number
      readonly delimiter: string
    }
  | {
      readonly kind: 'composite'
      readonly oid: number
      readonly name: string
      readonly fields: readonly { readonly name: string; readonly type: number }[]
    }

/** Looks a type up by OID; `undefined` for an OID that the catalog does not know (any more): its text is passed through. */
export type TypeLookup = (oid: number) => PgType | undefined

/** Turns the text of a value of one type into JSON text. */
export type TextToJson = (text: string) => string
