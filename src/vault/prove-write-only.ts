import { randomUUID } from 'node:crypto'
import { withDeadline } from '../core/host/deadline.ts'
import { newCorrelationId } from '../core/model/correlation-id.ts'
import { CredentialVaultError, isCredentialVaultError } from '../core/model/errors.ts'
import { storageKey } from '../core/model/storage-key.ts'
import type { SecretBackend } from '../core/ports/secret-backend.ts'

/** Milliseconds for each login. */
const DEADLINE = 20_000

/**
 * Tries to read a credential that nobody has, with each login of this process, and accepts nothing but a refusal. If the store cannot be
 * asked, the start fails too, because an outage proves nothing.
 *
 * @throws `configuration_invalid` (`tier_keys`), or the error of a backend that cannot be reached
 */
export async function proveItCannotRead(backend: SecretBackend): Promise<void> {
  const logins = backend.principals?.() ?? [{ backend }]
  for (const { backend: login } of logins) {
    await login.open()
    try {
      if (await isRefused(login)) continue
    } finally {
      await login.close()
    }
    throw new CredentialVaultError(
      'configuration_invalid',
      `This process is to be the form tier, but its login to ${backend.name} may read credentials. Nothing was changed. Give it a login with the form's policy from docs/backends/policies, and run "mcp-credential-vault doctor --tier form".`,
      { reason: 'tier_keys' },
    )
  }
}

async function isRefused(backend: SecretBackend): Promise<boolean> {
  const key = storageKey('doctor', { issuer: 'urn:mcp-credential-vault:form-tier', subject: randomUUID() })
  try {
    await withDeadline(backend.name, DEADLINE, (signal) =>
      backend.read(key, { signal, correlationId: newCorrelationId() }),
    )
    return false
  } catch (error) {
    if (isCredentialVaultError(error, 'forbidden')) return true
    throw error
  }
}
