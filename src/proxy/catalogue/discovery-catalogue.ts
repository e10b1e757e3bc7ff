import { setTimeout as delay } from 'node:timers/promises'
import type { Warn } from '../../core/host/logger.ts'
import { oncePerMinute } from '../../core/host/once-per-minute.ts'
import { isJsonObject } from '../../core/model/json.ts'
import { type Catalogue, entriesMember, negotiatedRevision, userCatalogue } from './catalogue.ts'
import type { Snapshot } from './snapshot.ts'

/** Milliseconds for which what was read counts. */
const COUNTS_FOR = 5 * 60_000
/** Milliseconds after which a failed reading is tried again. */
const TRY_AGAIN = 30_000
/** Milliseconds for which a client waits for the first reading. */
const WAITS = 10_000

/**
 * Shows users who have not connected what a credential of the operator's sees, and users who have connected their own lists. The
 * credential is used by `read` alone, which reads the lists.
 */
export function discoveryCatalogue(name: string, read: () => Promise<Snapshot>, warn: Warn): Catalogue {
  const user = userCatalogue(name)
  const isNews = oncePerMinute()
  let known: Snapshot | undefined
  let due = 0
  let reading: Promise<void> | undefined

  function begin(): Promise<void> {
    reading ??= read()
      .then(
        (found) => {
          known = found
          due = Date.now() + COUNTS_FOR
        },
        () => {
          due = Date.now() + TRY_AGAIN
          if (isNews('failed'))
            warn(
              `${name}: its lists cannot be read with the credential for discovery. Check the server and the credential.`,
            )
        },
      )
      .finally(() => {
        reading = undefined
      })
    return reading
  }

  return {
    ...user,
    async ready() {
      if (Date.now() < due) return
      const begun = begin()
      // What was read before is shown meanwhile.
      if (!known) await Promise.race([begun, delay(WAITS, undefined, { ref: false })])
    },
    initialize(request) {
      if (!known) return user.initialize(request)
      const { protocolVersion, capabilities } = known.initialize
      const newest = typeof protocolVersion === 'string' ? protocolVersion : undefined
      return {
        ...known.initialize,
        capabilities: thatChange(capabilities),
        protocolVersion: negotiatedRevision(request, newest),
      }
    },
    list: (method) => {
      const list = entriesMember(method)
      return { [list]: known?.[list].map(({ entry }) => entry) ?? [] }
    },
  }
}

/** The lists become the user's own, and a client looks again only if it was told that they may change. */
function thatChange(capabilities: unknown): unknown {
  if (!isJsonObject(capabilities)) return {}
  const changed = ['tools', 'prompts', 'resources'].flatMap((list) => {
    const given = capabilities[list]
    return isJsonObject(given) ? [[list, { ...given, listChanged: true }]] : []
  })
  return { ...capabilities, ...Object.fromEntries(changed) }
}
