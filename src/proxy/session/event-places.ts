import type { ProxyProvider } from './proxy-route.ts'

/**
 * Names the places in an upstream's streams for the client of one session. The upstream's own names may contain its session ids, and a
 * server may replay a stream to anyone who names a place in it: so a place is sealed, and opens in the session that was given it alone.
 */
export interface EventPlaces {
  hide(id: string): string
  /** Returns undefined for anything that {@link hide} did not return for this session. */
  find(hidden: string): string | undefined
}

const LIFE_MILLISECONDS = 24 * 60 * 60_000

export function createEventPlaces(provider: ProxyProvider, sessionId: string): EventPlaces {
  const binding = `place in a stream of ${sessionId}`
  return {
    hide: (id) => provider.repeatedCalls().seal({ place: id }, Date.now() + LIFE_MILLISECONDS, binding),
    find(hidden) {
      const opened = provider.repeatedCalls().open(hidden, binding)
      const isPlace = typeof opened === 'object' && opened !== null && 'place' in opened
      return isPlace && typeof opened.place === 'string' ? opened.place : undefined
    },
  }
}
