/** Longest account name that the port takes, in characters. */
const MAX_ACCOUNT = 100
/** Begins an account name that the vendor would not take as it is. */
const ENCODED = 'base64url:'
/** Neither control characters nor invisible ones that change the direction of a text. */
const SHOWABLE = /^[^\p{C}\p{Zl}\p{Zp}]+$/u
const TIME = /^(?:(\S+) )?(\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?)$/

/**
 * Returns an account's name as a label holds it: the name itself if the vendor takes its characters, else in base64url. Returns undefined
 * if neither fits.
 *
 * @param plain matches names that the vendor takes as they are
 * @param longest of a label's value, in bytes
 */
export function accountText(name: string | undefined, plain: RegExp, longest: number): string | undefined {
  if (name === undefined || name === '') return undefined
  const isPlain = plain.test(name) && !name.startsWith(ENCODED)
  const text = isPlain ? name : `${ENCODED}${Buffer.from(name).toString('base64url')}`
  return Buffer.byteLength(text) <= longest ? text : undefined
}

/** Returns the account's name, or undefined if this is no name that a page may show. */
export function accountNameIn(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  const encoded = text.startsWith(ENCODED)
  const name = encoded ? Buffer.from(text.slice(ENCODED.length), 'base64url').toString('utf8') : text
  return name.length <= MAX_ACCOUNT && SHOWABLE.test(name) ? name : undefined
}

/**
 * Reads a date or an ISO 8601 time, which may follow the version that it describes: `2027-01-31`, `3 2027-01-31T12:00:00Z`. Returns
 * undefined for another version.
 *
 * @param version the version asked about
 * @param isDescribed whether a time without a version describes that one
 */
export function timeOf(text: unknown, version: string, isDescribed: boolean): Date | undefined {
  const [, named, time = ''] = (typeof text === 'string' && TIME.exec(text)) || []
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return undefined
  return named === version || (named === undefined && isDescribed) ? at : undefined
}
