import type { Connected } from '../session/upstream-connection.ts'

/** Which resources the streams of one session follow. A session subscribes to each of them once. */
export interface SubscribedUris {
  /** Returns whether it is the first. */
  add(connected: Connected, uri: string): boolean
  /** Returns whether it was the last. */
  remove(connected: Connected, uri: string): boolean
}

export function createSubscribedUris(): SubscribedUris {
  const sessions = new WeakMap<Connected, Map<string, number>>()
  const change = (connected: Connected, uri: string, by: 1 | -1): number => {
    const counts = sessions.get(connected) ?? new Map<string, number>()
    const count = (counts.get(uri) ?? 0) + by
    if (count === 0) counts.delete(uri)
    else counts.set(uri, count)
    sessions.set(connected, counts)
    return count
  }
  return {
    add: (connected, uri) => change(connected, uri, 1) === 1,
    remove: (connected, uri) => change(connected, uri, -1) === 0,
  }
}
