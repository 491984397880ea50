/** The middle value; the mean of the two middle ones where their number is even. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  if (sorted.length % 2 === 1) return sorted[Math.floor(middle)]!
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest value that `share` (0 to 1) of all values do not exceed: nearest rank. NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** The median of what `read` gives of each; null where it gives null of any. */
export function medianOf<T>(items: readonly T[], read: (item: T) => number | null): number | null {
  const values = items.map(read)
  return values.every((value) => value !== null) && values.length > 0 ? median(values) : null
}
