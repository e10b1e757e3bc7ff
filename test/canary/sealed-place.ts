import { type SealedEnvelopeOptions, sealedEnvelope } from '../../src/backends/sealed-envelope/sealed-envelope.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import type { VendorOperator } from '../../src/testing/secret-backend/harness.ts'
import type { Held } from './held.ts'

/** A store behind an envelope, its administrators, and the keys. */
export interface SealedPlace {
  readonly backend: SecretBackend
  /** The first one seals from the start. */
  readonly keys: readonly string[]
  readonly held: Held
  /** Writes without a seal. */
  readonly operator: VendorOperator
  /** What a new start of the server with other keys changes. */
  restart(options: Pick<SealedEnvelopeOptions, 'key' | 'acceptedKeys' | 'acceptPlain'>): Promise<void>
}

export interface SealedPlaceParts extends Pick<SealedPlace, 'keys' | 'held' | 'operator'> {
  readonly inner: () => SecretBackend
  readonly warn: (message: string) => void
}

export function sealedPlace({ inner, keys, held, operator, warn }: SealedPlaceParts): SealedPlace {
  let now = sealedEnvelope(inner(), { key: keys[0], warn })
  const backend: SecretBackend = {
    ...now,
    open: (events) => now.open(events),
    read: (key, call) => now.read(key, call),
    stat: (key, call) => now.stat(key, call),
    write: (key, values, intent, call) => now.write(key, values, intent, call),
    revoke: (key, intent, call) => now.revoke(key, intent, call),
    list: (call) => now.list(call),
    markRejected: async (key, version, at, call) => (await now.markRejected?.(key, version, at, call)) ?? false,
    fieldNames: async (key, call) => now.fieldNames?.(key, call),
    resealing: { reseal: async (request, signal) => resealingOf(now).reseal(request, signal) },
    close: () => now.close(),
  }
  return {
    backend,
    keys,
    held,
    operator,
    async restart(options) {
      const former = now
      const next = sealedEnvelope(inner(), { ...options, warn })
      await next.open()
      now = next
      await former.close()
    },
  }
}

function resealingOf({ resealing }: SecretBackend) {
  if (!resealing) throw new Error('An envelope seals again.')
  return resealing
}
