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
    'The credential was changed by somebody else in between. Nothing was overwritten. Read it again and decide.',
    { reason: expect === 'absent' ? 'exists' : 'version' },
  )
}
