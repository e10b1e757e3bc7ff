import { CredentialVaultError } from '../model/errors.ts'
import type { CredentialStatus, Expectation } from './secret-backend.ts'

/** Throws `conflict` if the stored credential is not what the writer expects. */
export function checkExpectation(expect: Expectation, stored: CredentialStatus): void {
  if (expect === 'any') return
  const holds =
    expect === 'absent'
      ? stored.status !== 'active'
      : stored.status === 'active' && stored.version.ref === expect.version
  if (holds) return
  throw new CredentialVaultError(
    'conflict',
    'Another writer changed the credential at the same time. Nothing was overwritten. Read it again, then decide.',
    { reason: expect === 'absent' ? 'exists' : 'version' },
  )
}
