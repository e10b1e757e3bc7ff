import type { DependencyReason } from '../../../core/model/error-reason.ts'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import { changes, type HashicorpVaultAnswer, type HashicorpVaultRequest } from './exchange.ts'
import { outcomeUnknown } from './transport-error.ts'

/** Vault has no machine-readable codes. Both products answer with these texts. */
export const CAS_TEXT = 'check-and-set parameter did not match'
const ROUTE_TEXT = 'no handler for route'
const WARMING_UP = /Upgrading from non-versioned|Waiting for the primary to upgrade|replication DR secondary/
const SEALED = /sealed/i
const STANDBY = /not active|no active|active cluster node not found|API (?:access )?(?:is )?(?:has been )?locked/i

/** Returns the texts of an answer's `errors` and `warnings`, which are searched and never shown. */
export function textsOf({ body }: HashicorpVaultAnswer): string {
  const lists = [body?.['errors'], body?.['warnings']]
  return lists.flatMap((list) => (Array.isArray(list) ? list.map(String) : [])).join('\n')
}

/** Translates an answer that is neither a 2xx nor the 404 of a missing secret. */
export function hashicorpVaultError(
  answer: HashicorpVaultAnswer,
  request: HashicorpVaultRequest,
): CredentialVaultError {
  const texts = textsOf(answer)
  const { status } = answer
  if (status === 403)
    return new CredentialVaultError(
      'forbidden',
      "The policy of this Vault login does not allow that. A server's logins need the policies vault-form.hcl and vault-tool.hcl, an operator's vault-operator.hcl: see docs/backends/vault.md.",
      { reason: 'policy' },
    )
  if (status === 400 && WARMING_UP.test(texts)) return unavailable('warming_up')
  if (status === 404 && texts.includes(ROUTE_TEXT)) return misconfigured('mount', 'nothing is mounted there')
  if (status === 412) return unavailable('replica_behind')
  if (status === 429) return throttled(answer)
  if (status === 501) return misconfigured('not_initialised', 'Vault is not initialised')
  // A gateway's 503 has no such text and does not show whether Vault changed anything.
  if (status === 503 || status === 500) {
    if (SEALED.test(texts)) return unavailable('sealed')
    if (STANDBY.test(texts)) return unavailable('standby')
  }
  if (status >= 500) return changes(request) ? outcomeUnknown('server_error') : unavailable('server_error')
  return misconfigured(
    `status_${status}`,
    `Vault rejected the request (status ${status}). Run "mcp-credential-vault doctor" to check mount and policy`,
  )
}

function unavailable(reason: DependencyReason): CredentialVaultError {
  return new CredentialVaultError(
    'unavailable',
    'Vault cannot answer at the moment. Nothing was changed. Try again later.',
    {
      reason,
      retryable: true,
    },
  )
}

function throttled({ headers }: HashicorpVaultAnswer): CredentialVaultError {
  const seconds = Number(headers['retry-after'])
  return new CredentialVaultError('unavailable', 'Vault is busy: its rate limit is reached. Try again in a moment.', {
    reason: 'throttled',
    retryable: true,
    ...(Number.isFinite(seconds) && seconds > 0 && { retryAfterSeconds: Math.min(seconds, 3600) }),
  })
}

export function misconfigured(reason: DependencyReason, what: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${what}. Check mount and namespace of the vault backend; docs/backends/vault.md shows how to create them.`,
    { reason },
  )
}
