import { randomUUID } from 'node:crypto'
import { withDeadline } from '../../core/host/deadline.ts'
import type { Warn } from '../../core/host/logger.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { storageKey } from '../../core/model/storage-key.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'

/** The methods of an opened backend that are tried. */
export type ProvenBackend = Pick<SecretBackend, 'name' | 'open' | 'close' | 'read' | 'principals'>

/** The proof that a form tier's logins may not read, which the store itself gives by refusing. */
export interface WriteOnlyProof {
  /**
   * Adds a provider, or one of its accounts, and starts to prove that its credentials cannot be read. Calls `onProven` before `proven`
   * resolves. A failure warns.
   */
  add(provider: string, onProven: () => void): void
  /**
   * Resolves once the store has refused each login to read below each provider that was added. After a failure, the next call tries again,
   * at most once a second.
   *
   * @throws `configuration_invalid` (`tier_keys`) if a login may read; the backend's error if it could not be asked, which proves nothing
   */
  proven(): Promise<void>
}

/** Milliseconds for one try, whatever the number of logins and providers. */
const DEADLINE = 20_000
/** Milliseconds after a failed try before the next. */
const PAUSE = 1_000
/** Below this name even a store without any provider is asked. `doctor` makes its probes there. */
const ANY_LOGIN = 'doctor'

/** @param backend an opened one. Other logins that it names are opened for each try, and closed */
export function createWriteOnlyProof(backend: ProvenBackend, warn: Warn): WriteOnlyProof {
  const unproven = new Map<string, () => void>([[ANY_LOGIN, () => undefined]])
  const proved = new Set<string>()
  let running: Promise<void> | undefined
  let failed: { readonly error: unknown; readonly until: number } | undefined

  async function run(): Promise<void> {
    // Providers of one module are attached one after the other, and asked about together.
    await Promise.resolve()
    const asked = [...unproven.keys()]
    try {
      await withDeadline(backend.name, DEADLINE, (signal) => proveEach(backend, asked, signal))
      for (const provider of asked) {
        proved.add(provider)
        unproven.get(provider)?.()
        unproven.delete(provider)
      }
    } catch (error) {
      failed = { error, until: performance.now() + PAUSE }
      throw error
    } finally {
      running = undefined
    }
  }

  async function proven(): Promise<void> {
    while (unproven.size > 0) {
      if (failed && performance.now() < failed.until) throw failed.error
      failed = undefined
      running ??= run()
      await running
    }
  }

  return {
    proven,
    add(provider, onProven) {
      if (proved.has(provider)) return onProven()
      const isKnown = unproven.has(provider)
      unproven.set(provider, onProven)
      if (isKnown) return
      // A failure of an earlier try says nothing about this provider.
      failed = undefined
      const isFirst = running === undefined
      proven().catch((error: unknown) => {
        if (isFirst && isCredentialVaultError(error)) warn(error.message)
      })
    },
  }
}

async function proveEach(backend: ProvenBackend, providers: readonly string[], signal: AbortSignal): Promise<void> {
  const logins: readonly ProvenBackend[] = backend.principals?.().map((login) => login.backend) ?? [backend]
  for (const login of logins) {
    const isOpen = login === backend
    if (!isOpen) await login.open()
    try {
      await Promise.all(providers.map((provider) => proveRefused(login, provider, signal)))
    } finally {
      if (!isOpen) await login.close()
    }
  }
}

/** Tries to read a credential that nobody has, and accepts nothing but a refusal: where nothing is stored, `absent` shows the right to read. */
async function proveRefused(login: ProvenBackend, provider: string, signal: AbortSignal): Promise<void> {
  const key = storageKey(provider, { issuer: 'urn:mcp-credential-vault:form-tier', subject: randomUUID() })
  try {
    await login.read(key, { signal, correlationId: newCorrelationId() })
  } catch (error) {
    if (isCredentialVaultError(error, 'forbidden')) return
    throw error
  }
  throw new CredentialVaultError(
    'configuration_invalid',
    `This process is to be the form tier, but its login to ${login.name} may read credentials below ${provider}. Nothing was changed. Give it a login with the form's policy from docs/backends/policies, and run "mcp-credential-vault doctor --tier form --provider ${provider}".`,
    { reason: 'tier_keys' },
  )
}
