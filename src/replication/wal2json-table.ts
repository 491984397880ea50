import type { CatalogTable } from '../postgres/catalog.ts'
import type { Relation, RowChange } from './change.ts'
import { buildRelation, keepRelation, relationOf } from './relation.ts'
import { HIDDEN, kindOf } from './wal2json-cell.ts'
import { Layout, type LayoutShape, type RowCells, type Slot } from './wal2json-layout.ts'
import type { ScannedColumn, ScannedRow } from './wal2json-scan.ts'

/** Updates differ in which TOASTed columns they leave out; beyond the first few such layouts, `learn` has to do. */
const MAX_LAYOUTS = 8

/**
 * What is known of one table of the stream: its relation, and the layouts of its messages.
 *
 * The relation is that of the catalog as long as the messages fit it. The catalog may be ahead of the stream: where they
 * do not fit, the relation is built from the message.
 */
export class Wal2jsonTable {
  readonly schema: string
  readonly table: string
  readonly name: string
  readonly #announcesSpecials: boolean
  #catalogTable: CatalogTable | undefined
  #relation: Relation | undefined
  /** By operation and by what is known of the layout before it is built. */
  #layouts = noLayouts()

  constructor(schema: string, table: string, announcesSpecials: boolean) {
    this.schema = schema
    this.table = table
    this.name = `${schema}.${table}`
    this.#announcesSpecials = announcesSpecials
  }

  /** Takes over what the catalog says now; cheap where nothing changed. */
  refresh(catalogTable: CatalogTable | undefined): void {
    if (catalogTable === this.#catalogTable) return
    this.#catalogTable = catalogTable
    this.#layouts = noLayouts()
    if (catalogTable) this.#relation = keepRelation(this.#relation, relationOf(catalogTable))
  }

  /** For changes that carry no row. */
  get relation(): Relation {
    this.#relation ??= buildRelation(this.schema, this.table, { columns: [], key: [] })
    return this.#relation
  }

  /** Reads a message of a layout that was seen before; `at` is where the name of the table ends. */
  read(op: RowChange['op'], message: string, at: number): { shape: LayoutShape; cells: RowCells } | null {
    for (const layout of this.#layouts[op].values()) {
      const cells = layout.read(message, at)
      if (cells) return { shape: layout.shape, cells }
    }
    return null
  }

  /** Says where the columns of a message belong, and remembers its layout for `read`. */
  learn(op: RowChange['op'], row: ScannedRow): LayoutShape {
    const relation = this.#fit(op, row)
    const layouts = this.#layouts[op]
    const signature = signatureOf(row)
    const known = layouts.get(signature)
    if (known) return known.shape
    const isOldComplete = this.#isWhole(relation, row.identity ?? [])
    const identity = row.identity && this.#slots(relation, row.identity)
    const shape: LayoutShape = {
      relation,
      isOldComplete,
      columns: row.columns && this.#slots(relation, row.columns),
      identity: isOldComplete ? identity : (identity?.map((slot) => keyAlone(relation, slot)) ?? null),
      pk: row.pk,
    }
    if (layouts.size < MAX_LAYOUTS && Layout.isPossible(shape)) layouts.set(signature, new Layout(shape))
    return shape
  }

  #slots(relation: Relation, columns: readonly ScannedColumn[]): Slot[] {
    return columns.map(({ name, typeOid }) => ({
      name,
      typeOid,
      index: relation.index.get(name) ?? -1,
      whenNull: this.#isNeverNull(name, typeOid) ? HIDDEN : null,
    }))
  }

  /** wal2json always sends an `identity`; what it holds, only the replica identity tells. */
  #isWhole(relation: Relation, identity: readonly ScannedColumn[]): boolean {
    if (this.#catalogTable?.identity !== 'full') return false
    return relation.columns.every(({ name }) => identity.some((column) => column.name === name))
  }

  #isNeverNull(name: string, typeOid: number): boolean {
    return !this.#announcesSpecials && kindOf(typeOid) === 'special' && this.isNotNull(name)
  }

  isNotNull(column: string): boolean {
    return this.#catalogTable?.columns.some(({ name, notNull }) => notNull && name === column) ?? false
  }

  #fit(op: RowChange['op'], row: ScannedRow): Relation {
    const columns = row.columns && this.#withoutGenerated(row.columns)
    const identity = row.identity && this.#withoutGenerated(row.identity)
    const candidates = [this.#relation, this.#catalogTable && relationOf(this.#catalogTable)].filter(
      (relation): relation is Relation =>
        relation !== undefined &&
        (op !== 'insert' || columns?.length === relation.columns.length) &&
        [columns, identity].every((list) => list?.every((column) => isOf(relation, column)) ?? true),
    )
    // What a row lacks is unchanged or of another time: the less, the better. A key tells nothing of it.
    if (columns) candidates.sort((a, b) => a.columns.length - b.columns.length)
    const relation =
      candidates[0] ??
      buildRelation(this.schema, this.table, {
        columns: unite(identity ?? [], columns ?? []),
        key: this.#catalogTable?.key ?? row.pk?.map(({ name }) => name) ?? [],
      })
    const kept = keepRelation(this.#relation, relation)
    if (kept !== this.#relation) this.#layouts = noLayouts()
    this.#relation = kept
    return kept
  }

  /** wal2json sends them, pgoutput does not. */
  #withoutGenerated(columns: readonly ScannedColumn[]): ScannedColumn[] {
    const generated = this.#catalogTable?.columns.filter((column) => column.generated).map(({ name }) => name) ?? []
    return columns.filter(({ name }) => !generated.includes(name))
  }
}

function noLayouts(): Record<RowChange['op'], Map<string, Layout>> {
  return { insert: new Map(), update: new Map(), delete: new Map() }
}

function signatureOf({ columns, identity, pk }: ScannedRow): string {
  const names = (list: readonly ScannedColumn[] | null) => list?.map(({ name, typeOid }) => [name, typeOid]) ?? null
  return JSON.stringify([names(columns), names(identity), names(pk)])
}

/** Other columns of the replica identity's index come as null, whatever they were. */
function keyAlone(relation: Relation, slot: Slot): Slot {
  return relation.key.includes(slot.index) ? slot : { ...slot, index: -1 }
}

function isOf(relation: Relation, { name, typeOid }: ScannedColumn): boolean {
  const index = relation.index.get(name)
  return index !== undefined && relation.columns[index]?.typeOid === typeOid
}

/** The longer list is the whole row, or as much of it as is known. */
function unite(a: readonly ScannedColumn[], b: readonly ScannedColumn[]): { name: string; typeOid: number }[] {
  const [longer, shorter] = a.length > b.length ? [a, b] : [b, a]
  const missing = shorter.filter(({ name }) => !longer.some((column) => column.name === name))
  return [...longer, ...missing].map(({ name, typeOid }) => ({ name, typeOid }))
}
