import { traceOf } from '../credentials/call-trace.ts'
import type { AccessLog } from '../credentials/credential-audit.ts'
import type { Rejection } from '../credentials/credential-handle.ts'
import type { CredentialReader } from '../credentials/credential-reader.ts'
import { oncePerMinute } from '../host/once-per-minute.ts'
import { reasonOf } from '../journal/refusal-event.ts'
import { TRANSITIONS } from '../journal/transitions.ts'
import type { RequestCause } from '../model/credential-state.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { RejectionMarks } from './rejection-marks.ts'
import { type CountedRejection, createRejectionSurge } from './rejection-surge.ts'

/**
 * `kept`: the credential stays in use. `replaced`: a newer version is stored, and may be tried. Any other end is the state that the owner
 * is asked about.
 */
export type RejectionEnd = 'kept' | 'replaced' | RequestCause

/** Puts versions that their service has rejected out of use. */
export interface Rejections {
  /**
   * Marks this version, and no other, once its `credential.rejected` line is durable. It stays in the backend, for a roll-back.
   *
   * @throws `audit_unavailable`, or a backend's error: then nothing is marked
   */
  settle(key: StorageKey, rejection: Rejection, context: AccessContext): Promise<RejectionEnd>
}

export interface RejectionParts {
  readonly reader: Pick<CredentialReader, 'status' | 'forget'>
  readonly log: Pick<AccessLog, 'grant' | 'note'>
  readonly marks: RejectionMarks
  /** How many owners may be rejected at one origin within a minute before it counts as an outage there. */
  readonly maxOwners: number
  readonly warn: (message: string) => void
}

const REFUSES_EVERYBODY = 'service_refuses_everybody'

export function createRejections({ reader, log, marks, maxOwners, warn }: RejectionParts): Rejections {
  const surge = createRejectionSurge(maxOwners)
  const isNews = oncePerMinute()

  function warnOfOutage(origin: string): void {
    if (!isNews(origin)) return
    warn(
      `${origin} rejected the credentials of more than ${maxOwners} users within a minute. That counts as an outage of the service or of a gateway in front of it: no credential was put out of use.`,
    )
  }

  /** Removes a mark that was set before the outage was recognised. If this fails, its owner or an operator can remove it. */
  async function unmark({ key, version }: CountedRejection, context: AccessContext): Promise<void> {
    await marks.set(key, version, undefined, traceOf(context)).catch((error: unknown) => {
      warn(`A mark of a rejected credential could not be removed (${reasonOf(error)}).`)
    })
    reader.forget(key)
  }

  return {
    async settle(key, rejection, context) {
      const { version, status, destination } = rejection
      reader.forget(key)
      const now = await reader.status(key, context)
      if (now.status !== 'active') return now.status
      if (now.labels?.rejectedAt) return 'rejected'
      if (version === undefined || now.version.ref !== version.ref) return 'replaced'
      const origin = destination ?? key.provider
      const crowd = surge.count(origin, { key, version })
      if (crowd) {
        await Promise.all(crowd.map((one) => unmark(one, context)))
        warnOfOutage(origin)
        const outage = { type: 'credential.service_unreachable', outcome: 'error', reason: REFUSES_EVERYBODY } as const
        await log.note(key, context, { ...outage, destination, status })
        return 'kept'
      }
      const event = { type: TRANSITIONS.reject.event, outcome: 'success', version: version.label } as const
      await log.grant(key, context, { ...event, status, destination })
      const marked = await marks.set(key, version, new Date(), traceOf(context))
      reader.forget(key)
      return marked ? 'rejected' : 'replaced'
    },
  }
}
