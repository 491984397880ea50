import type { CatalogTable } from '../postgres/catalog.ts'
import { parseTemplate } from '../matching/template.ts'
import type { Template } from '../matching/template.ts'
import { columnProblem } from './columns.ts'
import { text, wrong } from './fields.ts'
import type { Field } from './fields.ts'
import type { YamlNode } from './yaml-node.ts'

/** Reads a template and checks the columns that it names. */
export function template(field: Field, table: CatalogTable | null): Template | null {
  const source = bracesInsteadOfText(field.node) ? unquoted(field) : text(field)
  return source === null ? null : parsed(field, source, table)
}
