import { withWrappedMethods } from '../host/wrapped-methods.ts'
import { isProviderName } from '../model/storage-key.ts'
import type { BackendCall, SecretBackend } from '../ports/secret-backend.ts'
import type { Instruments } from './instruments.ts'
import { outcomeOf } from './label-values.ts'
import type { StartSpan } from './spans.ts'

export interface WatchedBackendParts {
  readonly instruments: Instruments
  readonly startSpan: StartSpan
}

const OPERATIONS: ReadonlySet<PropertyKey> = new Set<keyof SecretBackend>([
  'read',
  'stat',
  'write',
  'fieldNames',
  'revoke',
  'markRejected',
  'history',
  'rights',
])

/** Returns the same backend, each operation of which is measured and has a span. */
export function watchedBackend<B extends { readonly name: string }>(
  backend: B,
  { instruments, startSpan }: WatchedBackendParts,
): B {
  const { name } = backend

  async function measured(operation: string, parameters: readonly unknown[], work: () => unknown): Promise<unknown> {
    const began = performance.now()
    const { trace, correlationId } = (parameters.at(-1) ?? {}) as Partial<BackendCall>
    const attributes = { backend: name, operation, provider: providerOf(parameters[0]), correlation: correlationId }
    const span = startSpan('backend', { part: operation, parent: trace, attributes })
    const ended = (error?: string) => {
      instruments.since('credential_vault.backend.duration', began, {
        backend: name,
        operation,
        outcome: error ?? 'success',
      })
      span.end(error)
    }
    try {
      const answer = await span.run(work)
      ended()
      return answer
    } catch (error) {
      ended(outcomeOf(error))
      throw error
    }
  }

  return withWrappedMethods(backend, (name, method) => {
    if (!OPERATIONS.has(name)) return method
    return (...parameters) => measured(String(name), parameters, () => method(...parameters))
  })
}

function providerOf(key: unknown): string | undefined {
  const { provider } = (key ?? {}) as { provider?: unknown }
  return typeof provider === 'string' && isProviderName(provider) ? provider : undefined
}
