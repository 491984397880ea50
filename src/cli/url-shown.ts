/** A URL without what may be a secret in it: `https://example.com/hook?token=x` -> `https://example.com/hook?…`. */
export function shownUrl(url: string): string {
  return url.replace(/(:\/\/)[^/?#]*@/, '$1…@').replace(/[?#].*$/s, (rest) => `${rest[0]}…`)
}
