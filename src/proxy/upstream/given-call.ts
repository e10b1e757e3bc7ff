import type { CredentialValues } from '../../core/model/variables.ts'
import type { StoredVersion } from '../../core/ports/secret-backend.ts'
import type { CredentialCall } from './upstream.ts'

/** Makes a call with values that are in no vault: an operator's for a snapshot, or those of a form that are tried. */
export function givenCall(
  values: CredentialValues,
  subject: 'check' | 'snapshot',
  signal: AbortSignal,
): CredentialCall {
  return {
    owner: { issuer: 'given', subject },
    version: undefined,
    signal,
    handle: {
      fetch: () => Promise.reject(new TypeError('given values have no destinations')),
      use: async (work) => work(values, givenVersion()),
      reject: async () => undefined,
    },
  }
}

function givenVersion(): StoredVersion {
  // Only a backend makes references; this one is never shown to any.
  return { ref: 'given' as StoredVersion['ref'], label: 'given', createdAt: new Date() }
}
