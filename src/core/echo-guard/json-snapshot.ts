/**
 * The value as the wire would carry it, read once: what is searched is then what is sent, whatever a getter, a proxy or somebody who kept
 * the object does meanwhile. `undefined` and functions stay as they are.
 *
 * @throws what `JSON.stringify` throws: for cycles, big integers, and a getter or `toJSON` that throws
 */
export function jsonSnapshot<T>(value: T): T {
  const text = JSON.stringify(value)
  return text === undefined ? value : JSON.parse(text)
}
