/** What was read, or a sentence that says what is wrong with it. */
export type Checked<T> =
  { readonly value: T; readonly problem: null } | { readonly value: null; readonly problem: string }

export function sound<T>(value: T): Checked<T> {
  return { value, problem: null }
}

export function faulty<T>(problem: string): Checked<T> {
  return { value: null, problem }
}
