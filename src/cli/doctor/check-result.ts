import { randomUUID } from 'node:crypto'
import type { ErrorReason } from '../../core/model/error-reason.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { BackendCall, Tier } from '../../core/ports/secret-backend.ts'

export interface CheckResult {
  readonly check: string
  /**
   * `warning`: it may be wrong, and only its operator can know. `note`: it is not there yet, and nothing has to be done. `skipped`: nothing was
   * checked.
   */
  readonly result: 'ok' | 'wrong' | 'warning' | 'note' | 'skipped'
  /** The finding and what to do about it, or why the check was skipped. */
  readonly detail: string
}

export const TIER_NAMES: Readonly<Record<Tier, string>> = {
  form: "the form's login",
  tool: "the tools' login",
  both: 'the login',
}
const DEADLINE = 20_000

export function verdict(ok: boolean): CheckResult['result'] {
  return ok ? 'ok' : 'wrong'
}

export function skipped(check: string, why: string): CheckResult {
  return { check, result: 'skipped', detail: why }
}

/** The outcome of an operation that may fail. */
export type Tried<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly reason?: ErrorReason | undefined; readonly problem: string }

export async function tried<T>(work: () => Promise<T>): Promise<Tried<T>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return isCredentialVaultError(error)
      ? { ok: false, code: error.code, reason: error.reason, problem: `${error.message} [${error.code}]` }
      : { ok: false, code: 'unexpected', problem: 'It failed in an unexpected way.' }
  }
}

/** An outage does not prove that an operation is refused. */
export function refused(outcome: Tried<unknown>): boolean {
  return !outcome.ok && outcome.code === 'forbidden'
}

export function intent() {
  return { expect: 'any', audit: { writer: 'doctor', seq: 0 }, operationId: randomUUID() } as const
}

export function call(correlationId: string): BackendCall {
  return { signal: AbortSignal.timeout(DEADLINE), correlationId }
}
