import { ownerKey } from '../model/owner.ts'
import { addressGroups } from '../network/rate-limit-networks.ts'
import type { AuditEvent } from '../ports/audit-sink.ts'

const WINDOW_MILLISECONDS = 60_000
const MOST_OF_ONE_ADDRESS = 60
const MOST_IN_ALL = 600

/**
 * Limits the lines of clients without a known user. They can cause refusals at will and could fill the audit log that every release waits
 * for.
 */
export interface RefusalCap {
  /** Whether the event gets its own line. A known user's event always does, unless it is a refused token. */
  allows(event: AuditEvent): boolean
  /** Ends the running minute at once, with its summary. */
  close(): Promise<void>
}

/** @param summarise receives, at the end of each minute, how many events got no line, if any */
export function createRefusalCap(summarise: (count: number) => Promise<void>): RefusalCap {
  const written = new Map<string, number>()
  let inAll = 0
  let suppressed = 0
  let timer: NodeJS.Timeout | undefined

  async function endMinute(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const count = suppressed
    written.clear()
    inAll = 0
    suppressed = 0
    if (count > 0) await summarise(count)
  }

  return {
    allows({ type, owner, actor, address = '' }) {
      // Every user of the issuer can get a token. Without this server's scope it opens nothing, but its owner could send it without end.
      const isHolder = type === 'token.rejected' && owner !== undefined
      if (actor?.kind !== 'anonymous' && !isHolder) return true
      timer ??= setTimeout(() => void endMinute(), WINDOW_MILLISECONDS).unref()
      const groups = isHolder ? [{ key: ownerKey(owner), share: 1 }] : addressGroups(address)
      const isFull = groups.some(({ key, share }) => (written.get(key) ?? 0) >= share * MOST_OF_ONE_ADDRESS)
      if (inAll >= MOST_IN_ALL || isFull) {
        suppressed += 1
        return false
      }
      inAll += 1
      for (const { key } of groups) written.set(key, (written.get(key) ?? 0) + 1)
      return true
    },
    close: endMinute,
  }
}
