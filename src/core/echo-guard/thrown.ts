import { isProxy } from 'node:util/types'
import { jsonSnapshot } from './json-snapshot.ts'

/**
 * Returns a thrown value whose text can no longer change: message and data are read once and pinned. An SDK shows `String(thrown)` or
 * `message`, with `code` and `data`. Our own and an SDK's errors keep their class, because the SDK depends on it.
 */
export function pinThrown(thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null)
    return typeof thrown === 'function' ? 'a function was thrown' : thrown
  const message = textOf(() => String(Reflect.get(thrown, 'message')))
  const found = snapshotOf(() => Reflect.get(thrown, 'data'))
  const data = found === undefined ? {} : { data: found }
  // A proxy may throw, or return another value each time.
  if (!isProxy(thrown) && thrown instanceof Error && pin(thrown, { message, ...data })) return thrown
  const shown = textOf(() => String(thrown))
  const code = snapshotOf(() => Reflect.get(thrown, 'code'))
  return { message, code, ...data, toString: () => shown }
}

function pin(error: Error, properties: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(properties).every(([name, value]) =>
    Reflect.defineProperty(error, name, { value, writable: false, configurable: false }),
  )
}

function textOf(read: () => string): string {
  try {
    return read()
  } catch {
    return 'an error that cannot be shown'
  }
}

function snapshotOf(read: () => unknown): unknown {
  try {
    return jsonSnapshot(read())
  } catch {
    return undefined
  }
}
