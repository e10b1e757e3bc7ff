import type { PendingRequests } from '../requests/pending-requests.ts'
import type { Instruments } from './instruments.ts'
import { outcomeOf } from './label-values.ts'

export interface WatchedRequestsParts {
  readonly instruments: Instruments
  readonly providerLabel: (name: string | undefined) => string
}

/** Returns the same requests, the waits for which are counted and measured. */
export function watchedRequests(
  requests: PendingRequests,
  { instruments, providerLabel }: WatchedRequestsParts,
): PendingRequests {
  const waiting = new Map<string, number>()
  instruments.read('credential_vault.waits', () =>
    [...waiting].map(([provider, calls]) => [calls, { provider }] as const),
  )

  return {
    ...requests,
    async wait(request, hasCredential, signal) {
      const began = performance.now()
      const provider = providerLabel(request.provider)
      // A provider that has had one stays, with 0: a gauge that vanishes cannot be told from a server that does.
      waiting.set(provider, (waiting.get(provider) ?? 0) + 1)
      const ended = (outcome: string) => {
        waiting.set(provider, (waiting.get(provider) ?? 1) - 1)
        instruments.since('credential_vault.wait.duration', began, { provider, outcome })
      }
      try {
        const end = await requests.wait(request, hasCredential, signal)
        ended(end)
        return end
      } catch (error) {
        // The client has gone, or the time for an answer is over; the link stays.
        ended(signal.aborted ? 'left' : outcomeOf(error))
        throw error
      }
    },
  }
}
