/**
 * A number as YAML spells it, in the grammar of JSON and digit for digit: `+.50` -> `0.50`, `0x1F` -> `31`.
 *
 * `.inf` and `.nan` give `Infinity`, `-Infinity` and `NaN`, which JSON does not know.
 */
export function decimalText(source: string): string {
  if (/^0[xo]/.test(source)) return BigInt(source).toString()
  if (/^[-+]?\.inf$/i.test(source)) return source.startsWith('-') ? '-Infinity' : 'Infinity'
  const match = /^([-+]?)0*(\d*)(?:\.(\d*))?(?:e([-+]?\d+))?$/i.exec(source)
  if (match === null) return 'NaN'
  const [, sign, whole, fraction, exponent] = match
  return `${sign === '-' ? '-' : ''}${whole || '0'}${fraction ? `.${fraction}` : ''}${exponent ? `e${exponent}` : ''}`
}
