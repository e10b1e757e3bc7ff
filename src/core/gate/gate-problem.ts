import { type ErrorCode, isCredentialVaultError } from '../model/errors.ts'
import { isServiceOutage, isSharedStoreProblem } from '../network/service-outage.ts'

/** Kinds of errors by what the user can do: try again later, or ask the operator. */
export type ProblemKind =
  | 'unavailable'
  | 'requestsUnavailable'
  | 'serviceUnavailable'
  | 'forbidden'
  | 'broken'
  | 'unknownOwner'

const KINDS: Partial<Record<ErrorCode, ProblemKind>> = {
  unavailable: 'unavailable',
  audit_unavailable: 'unavailable',
  conflict: 'unavailable',
  outcome_unknown: 'unavailable',
  unauthenticated: 'broken',
  forbidden: 'forbidden',
  owner_unknown: 'unknownOwner',
  configuration_invalid: 'broken',
  credential_malformed: 'broken',
  key_wrong: 'broken',
  key_missing: 'broken',
  key_exposed: 'broken',
  key_malformed: 'broken',
  record_tampered: 'broken',
  record_replayed: 'broken',
  unsupported: 'broken',
}

/** Returns undefined for errors whose own text is for the caller: a tool's errors, and ours that the tool's author must see. */
export function problemKind(error: unknown): ProblemKind | undefined {
  if (isServiceOutage(error)) return 'serviceUnavailable'
  if (isSharedStoreProblem(error)) return 'requestsUnavailable'
  // A backend in plain JavaScript may give any code.
  return isCredentialVaultError(error) && Object.hasOwn(KINDS, error.code) ? KINDS[error.code] : undefined
}
