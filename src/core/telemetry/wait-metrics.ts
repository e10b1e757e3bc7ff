import type { WaitObserver } from '../requests/request-wait.ts'
import type { Instruments } from './instruments.ts'
import { outcomeOf } from './label-values.ts'

export interface WaitMetricsParts {
  readonly instruments: Instruments
  readonly providerLabel: (name: string | undefined) => string
}

/** Counts and measures the calls that wait for their users. */
export function createWaitMetrics({ instruments, providerLabel }: WaitMetricsParts): WaitObserver {
  const waiting = new Map<string, number>()
  instruments.read('credential_vault.waits', () =>
    [...waiting].map(([provider, calls]) => [calls, { provider }] as const),
  )

  // A provider that has had one stays, with 0: a gauge that vanishes cannot be told from a server that does.
  function count(provider: string, calls: 1 | -1): void {
    waiting.set(provider, (waiting.get(provider) ?? 0) + calls)
  }

  return {
    begun: (name) => count(providerLabel(name), 1),

    woken: (name, millisecondsAgo) =>
      instruments.since('credential_vault.submit_to_wake.duration', performance.now() - millisecondsAgo, {
        provider: providerLabel(name),
      }),

    ended(name, began, end) {
      const provider = providerLabel(name)
      count(provider, -1)
      const outcome = typeof end === 'string' ? end : outcomeOf(end.error)
      instruments.since('credential_vault.wait.duration', began, { provider, outcome })
    },
  }
}
