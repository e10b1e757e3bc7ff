/**
 * Returns the value as JSON would carry it, read once. The gate searches and sends this copy, so a getter, a proxy or later changes to the
 * original cannot make a difference. `undefined` and functions are returned unchanged.
 *
 * @throws the error of `JSON.stringify`: for cycles, big integers, and a getter or `toJSON` that throws
 */
export function jsonSnapshot<T>(value: T): T {
  const text = JSON.stringify(value)
  return text === undefined ? value : JSON.parse(text)
}
