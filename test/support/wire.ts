import type { CatalogTable } from '../../src/postgres/catalog.ts'
import type { DecoderCatalog } from '../../src/replication/decoder.ts'

const FLAGS = { plain: 0, key: 1 }

/** Writes messages of pgoutput by hand. */
export const pgoutput = {
  begin: (commitLsn: bigint, micros: bigint, xid: number) =>
    Buffer.concat([byte('B'), uint64(commitLsn), uint64(micros), uint32(xid)]),
  commit: (commitLsn: bigint, endLsn: bigint) =>
    Buffer.concat([byte('C'), Buffer.of(0), uint64(commitLsn), uint64(endLsn), uint64(0n)]),
  relation: (
    oid: number,
    [schema, table]: readonly [string, string],
    identity: 'd' | 'f' | 'i' | 'n',
    columns: readonly (readonly [name: string, typeOid: number, flag?: keyof typeof FLAGS])[],
  ) =>
    Buffer.concat([
      byte('R'),
      uint32(oid),
      text(schema),
      text(table),
      byte(identity),
      uint16(columns.length),
      ...columns.flatMap(([name, typeOid, flag = 'plain']) => [
        Buffer.of(FLAGS[flag]),
        text(name),
        uint32(typeOid),
        uint32(0xffffffff),
      ]),
    ]),
  insert: (oid: number, row: Tuple) => Buffer.concat([byte('I'), uint32(oid), byte('N'), tuple(row)]),
  update: (oid: number, old: readonly ['K' | 'O', Tuple] | null, row: Tuple) =>
    Buffer.concat([byte('U'), uint32(oid), ...(old ? [byte(old[0]), tuple(old[1])] : []), byte('N'), tuple(row)]),
  delete: (oid: number, [kind, old]: readonly ['K' | 'O', Tuple]) =>
    Buffer.concat([byte('D'), uint32(oid), byte(kind), tuple(old)]),
  truncate: (...oids: readonly number[]) =>
    Buffer.concat([byte('T'), uint32(oids.length), Buffer.of(0), ...oids.map(uint32)]),
  message: (content: string | Buffer, { prefix = 'hookd', transactional = true } = {}) => {
    const bytes = Buffer.from(content)
    return Buffer.concat([
      byte('M'),
      Buffer.of(transactional ? 1 : 0),
      uint64(1n),
      text(prefix),
      uint32(bytes.length),
      bytes,
    ])
  },
}

/** `undefined` is an unchanged TOASTed value; a Buffer is text as it is on the wire. */
export type Tuple = readonly (string | Buffer | null | undefined)[]

function tuple(cells: Tuple): Buffer {
  return Buffer.concat([
    uint16(cells.length),
    ...cells.map((cell) => {
      if (cell === null) return byte('n')
      if (cell === undefined) return byte('u')
      const bytes = Buffer.from(cell as string)
      return Buffer.concat([byte('t'), uint32(bytes.length), bytes])
    }),
  ])
}

function byte(character: string): Buffer {
  return Buffer.from(character, 'latin1')
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

/** A catalog table with valid defaults; columns are `name: type OID`. */
export function catalogTable(
  name: string,
  columns: Readonly<Record<string, number>>,
  rest: Partial<CatalogTable> & { notNull?: readonly string[]; generated?: readonly string[] } = {},
): CatalogTable {
  const [schema = '', table = ''] = name.split('.')
  const { notNull = [], generated = [], ...facts } = rest
  return {
    oid: 1,
    name,
    schema,
    table,
    kind: 'table',
    persistence: 'permanent',
    identity: 'default',
    key: [],
    root: null,
    columns: Object.entries(columns).map(([column, typeOid]) => ({
      name: column,
      typeOid,
      typeName: '',
      notNull: notNull.includes(column),
      generated: generated.includes(column),
    })),
    ...facts,
  }
}

/** A catalog whose tables may be replaced. */
export class MutableCatalog implements DecoderCatalog {
  #tables: ReadonlyMap<string, CatalogTable> = new Map()

  constructor(...tables: readonly CatalogTable[]) {
    this.replace(...tables)
  }

  replace(...tables: readonly CatalogTable[]): void {
    this.#tables = new Map(tables.map((table) => [table.name, table]))
  }

  table(name: string): CatalogTable | undefined {
    return this.#tables.get(name)
  }
}
