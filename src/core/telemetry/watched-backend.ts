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

  const bound = new WeakMap<object, unknown>()
  // Not a proxy of the backend itself, which could not answer with other functions than a frozen one has.
  return new Proxy(Object.create(backend) as B, {
    get(_, property) {
      const member: unknown = Reflect.get(backend, property)
      if (typeof member !== 'function') return member
      const known = bound.get(member)
      if (known !== undefined) return known
      // The backend itself as `this`: the private fields of a class are not the proxy's.
      const plain = (...parameters: unknown[]): unknown => Reflect.apply(member, backend, parameters)
      const made = OPERATIONS.has(property)
        ? (...parameters: unknown[]) => measured(String(property), parameters, () => plain(...parameters))
        : plain
      bound.set(member, made)
      return made
    },
    set: (_, property, value) => Reflect.set(backend, property, value),
  })
}

function providerOf(key: unknown): string | undefined {
  const { provider } = (key ?? {}) as { provider?: unknown }
  return typeof provider === 'string' && isProviderName(provider) ? provider : undefined
}
