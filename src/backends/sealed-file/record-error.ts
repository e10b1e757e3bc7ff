import { CredentialVaultError } from '../../core/model/errors.ts'

/** Faults of a record. Each is the `reason` of one error. */
export type RecordFault = keyof typeof FAULTS

const FAULTS = {
  truncated: 'is cut off',
  format: 'is not a record of this version',
  not_a_file: 'is not a regular file of a record’s size',
  unknown_writer: 'was signed with a key that this store does not know',
  signature: 'does not carry a valid signature of its writer',
  store: 'belongs to another store',
  swapped: 'is the record of another credential',
  revision: 'is an earlier revision under a later one’s name',
  unknown_seal_key: 'is sealed to a key that this store does not have',
  seal: 'does not open with this store’s key',
  spliced: 'holds content that was sealed for another record',
  numbering: 'has the highest possible number, so that no later revision fits; move it out of the folder first',
  rolled_back: 'is older than the revision that this process has already seen',
  deleted: 'is missing, although this process has already seen it and it was not revoked',
} as const

/** Old records with valid signatures are replays; everything else is tampering. */
const REPLAYS: ReadonlySet<RecordFault> = new Set(['revision', 'rolled_back'])

export function recordError(fault: RecordFault, path: string): CredentialVaultError {
  return new CredentialVaultError(
    REPLAYS.has(fault) ? 'record_replayed' : 'record_tampered',
    `The stored credential ${path} ${FAULTS[fault]}. Nothing was changed or deleted. Keep the file and find out who can write there; ` +
      'then restore the newest backup of the file, or revoke this credential so that its owner is asked again.',
    { reason: fault },
  )
}
