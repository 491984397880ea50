/**
 * A value that has no JSON form, such as `\u0000` in a json column, or a text that its type's output function does not
 * print. The message is a sentence part without the value: `holds \u0000, which jsonb does not allow`.
 */
export class UnmappableValue extends Error {
  override readonly name = 'UnmappableValue'
}
