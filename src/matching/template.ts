/** A parsed template: literal text and references, `{column}`, `{new.column}`, `{old.column}`, `{config.key}`. */
export interface Template {
  readonly source: string
  readonly parts: readonly TemplatePart[]
}

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  /** `row`: the new row, or the old one for a delete. `path` walks into a json(b) column. */
  | { readonly kind: 'value'; readonly from: 'row' | 'new' | 'old' | 'config'; readonly path: readonly string[] }
