import { traceOf } from '../credentials/call-trace.ts'
import type { AccessLog } from '../credentials/credential-audit.ts'
import type { Rejection } from '../credentials/credential-handle.ts'
import type { CredentialReader } from '../credentials/credential-reader.ts'
import { oncePerMinute } from '../host/once-per-minute.ts'
import { reasonOf } from '../journal/refusal-event.ts'
import { TRANSITIONS } from '../journal/transitions.ts'
import type { RequestCause } from '../model/credential-state.ts'
import { type StorageKey, serviceOf } from '../model/storage-key.ts'
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
  const inTurn = createTurns()

  function warnOfOutage(origin: string): void {
    if (!isNews(origin)) return
    warn(
      `${origin} rejected the credentials of more than ${maxOwners} users within a minute. That counts as an outage of the service or of a gateway in front of it: no credential was put out of use.`,
    )
  }

  /**
   * Takes back what was marked before the outage was recognised, unless the version was replaced or revoked meanwhile. A mark that stays is
   * undone by its owner or an operator.
   */
  async function unmark(counted: CountedRejection, correlationId: string): Promise<void> {
    const { key, version } = counted
    counted.marked = false
    // The call that noticed the outage must not lend its login: the credential is another owner's.
    const context = { correlationId }
    reader.forget(key)
    try {
      // Marks that only this process keeps do not tell whether the version is still the newest.
      const now = await reader.status(key, context)
      if (now.status !== 'active' || now.version.ref !== version.ref) return
      if (!(await marks.set(key, version, undefined, traceOf(context)))) return
      const event = { type: TRANSITIONS.reinstate.event, outcome: 'success', reason: REFUSES_EVERYBODY } as const
      await log.note(key, context, { ...event, version: version.label })
    } catch (error) {
      warn(`A mark of a rejected credential could not be removed (${reasonOf(error)}).`)
    }
    reader.forget(key)
  }

  async function settleCounted(
    counted: CountedRejection,
    { status, destination }: Rejection,
    context: AccessContext,
  ): Promise<RejectionEnd> {
    const { key, version } = counted
    const crowd = surge.count(destination, counted)
    if (crowd) {
      const marked = crowd.filter((one) => one.marked)
      await Promise.all(marked.map((one) => unmark(one, context.correlationId)))
      warnOfOutage(destination ?? serviceOf(key.provider))
      const outage = { type: 'credential.service_unreachable', outcome: 'error', reason: REFUSES_EVERYBODY } as const
      await log.note(key, context, { ...outage, destination, status })
      return 'kept'
    }
    const event = { type: TRANSITIONS.reject.event, outcome: 'success', version: version.label } as const
    await log.grant(key, context, { ...event, status, destination })
    counted.marked = await marks.set(key, version, new Date(), traceOf(context))
    reader.forget(key)
    return counted.marked ? 'rejected' : 'replaced'
  }

  return {
    async settle(key, rejection, context) {
      const { version, destination } = rejection
      reader.forget(key)
      const settled = async (): Promise<RejectionEnd> => {
        const now = await reader.status(key, context)
        if (now.status !== 'active') return now.status
        if (now.labels?.rejectedAt) return 'rejected'
        if (version === undefined || now.version.ref !== version.ref) return 'replaced'
        return settleCounted({ key, version, marked: false }, rejection, context)
      }
      // One at a time for each provider and origin: a mark that lands after an outage was recognised would never be taken back.
      return inTurn(serviceOf(key.provider), () =>
        destination === undefined ? settled() : inTurn(destination, settled),
      )
    },
  }
}

/** Runs pieces of work of one name one after the other. */
function createTurns(): <T>(name: string, work: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>()
  return (name, work) => {
    const mine = (last.get(name) ?? Promise.resolve()).then(work, work)
    last.set(name, mine)
    const done = () => {
      if (last.get(name) === mine) last.delete(name)
    }
    mine.then(done, done)
    return mine
  }
}
