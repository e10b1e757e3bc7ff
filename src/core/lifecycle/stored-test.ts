import type { AccessLog } from '../credentials/credential-audit.ts'
import type { CredentialReader } from '../credentials/credential-reader.ts'
import type { StorageKey } from '../model/storage-key.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { FormProvider, VerifyFailure } from '../ports/form-provider.ts'
import type { RejectionEnd, Rejections } from './rejections.ts'

/** The service's answer to a stored credential, without any value. */
export type StoredTestEnd =
  | { readonly kind: 'works'; readonly accountName: string | undefined }
  /** `after`: what became of the version. `rejected` means that it is out of use now. */
  | { readonly kind: 'refused'; readonly problem: string; readonly after: RejectionEnd }
  | { readonly kind: 'unknown'; readonly failure: VerifyFailure }

/**
 * Tests a stored credential with the provider's `verify`. If the service rejects it, the version is put out of use as after a tool's call;
 * its owner can undo that.
 *
 * @throws what {@link CredentialReader.release} throws
 */
export type StoredTest = (
  provider: Pick<FormProvider, 'variables'> & { readonly verify: NonNullable<FormProvider['verify']> },
  key: StorageKey,
  context: AccessContext,
) => Promise<StoredTestEnd>

export interface StoredTestParts {
  readonly reader: Pick<CredentialReader, 'release'>
  readonly rejections: Rejections
  readonly log: Pick<AccessLog, 'note'>
}

export function createStoredTest({ reader, rejections, log }: StoredTestParts): StoredTest {
  return async ({ variables, verify }, key, context) => {
    const { values, version } = await reader.release(key, variables, context, { fresh: true })
    const about = { version: version.label }
    const verification = await verify(values)
    if (verification.ok === 'unknown') {
      const { reason } = verification
      await log.note(key, context, { type: 'credential.verification_failed', outcome: 'error', reason, ...about })
      return { kind: 'unknown', failure: verification }
    }
    if (verification.ok) {
      await log.note(key, context, { type: 'credential.verified', outcome: 'success', ...about })
      return { kind: 'works', accountName: verification.accountName }
    }
    const refused = { type: 'credential.verification_failed', outcome: 'failure', reason: 'refused' } as const
    await log.note(key, context, { ...refused, ...about })
    const after = await rejections.settle(key, { version }, context)
    return { kind: 'refused', problem: verification.problem, after }
  }
}
