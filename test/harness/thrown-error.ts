import { expect } from 'vitest'
import { CredentialVaultError } from '../../src/core/model/errors.ts'

/** Returns the error that the call throws, which must be one of ours. */
export function thrownError(call: () => unknown): CredentialVaultError {
  try {
    call()
  } catch (error) {
    return ownError(error)
  }
  return expect.fail('nothing was thrown')
}

/** Returns the error that the promise rejects with, which must be one of ours. */
export async function rejectionOf(promise: Promise<unknown>): Promise<CredentialVaultError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  return outcome ? ownError(outcome.error) : expect.fail('nothing was thrown')
}

function ownError(error: unknown): CredentialVaultError {
  expect(error).toBeInstanceOf(CredentialVaultError)
  return error as CredentialVaultError
}
