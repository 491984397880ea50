const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const

/** A time to remember rather than to compute with: `45s`, `3m`, `2h`, `5d`. */
export function formatAge(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= size)
  return unit ? `${Math.floor(seconds / unit[1])}${unit[0]}` : `${Math.max(0, Math.round(seconds))}s`
}

/** `2026-01-13 23:12:52`, in UTC. */
export function formatTime(time: Date): string {
  return time.toISOString().slice(0, 19).replace('T', ' ')
}

/** `1.5 MiB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, Math.abs(bytes))) / 10))
  const amount = bytes / 1024 ** power
  return `${power === 0 ? amount : amount.toFixed(1)} ${units[power]}`
}
