import { addressGroups } from './address-groups.ts'
import type { AuditEvent } from './audit-sink.ts'

const WINDOW_MILLISECONDS = 60_000
const MOST_OF_ONE_ADDRESS = 60
const MOST_IN_ALL = 600

/** Keeps strangers, who can make refusals at will, from filling the log that everything else waits for. */
export interface RefusalCap {
  /** Whether the event gets a line of its own. One that somebody answers for always does. */
  admits(event: AuditEvent): boolean
  /** Has the events of the running minute counted that got none. */
  close(): Promise<void>
}

/** @param summarise is told once a minute how many events got no line, if any */
export function createRefusalCap(summarise: (count: number) => Promise<void>): RefusalCap {
  const written = new Map<string, number>()
  let inAll = 0
  let left = 0
  let timer: NodeJS.Timeout | undefined

  async function endMinute(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const count = left
    written.clear()
    inAll = 0
    left = 0
    if (count > 0) await summarise(count)
  }

  return {
    admits({ actor, address = '' }) {
      if (actor?.kind !== 'anonymous') return true
      timer ??= setTimeout(() => void endMinute(), WINDOW_MILLISECONDS).unref()
      const groups = addressGroups(address)
      const isFull = groups.some(({ key, share }) => (written.get(key) ?? 0) >= share * MOST_OF_ONE_ADDRESS)
      if (inAll >= MOST_IN_ALL || isFull) {
        left += 1
        return false
      }
      inAll += 1
      for (const { key } of groups) written.set(key, (written.get(key) ?? 0) + 1)
      return true
    },
    close: endMinute,
  }
}
