import { createEchoGuard } from '../../core/echo-guard/echo-guard.ts'
import { withDeadline } from '../../core/host/deadline.ts'
import { accountNameOf } from '../../core/model/printable.ts'
import type { CredentialValues, ValuesOf, Variable, VariablesOptions } from '../../core/model/variables.ts'
import type { FormProvider, Verification, VerifyFailure } from '../../core/ports/form-provider.ts'
import type { Destination } from '../../destinations/destination.ts'
import { verifyFailure } from './verify-failure.ts'

/**
 * Tries submitted values against the service. Resolve `{ ok: false, problem }` with one sentence for the user when the service rejects
 * them; throw when it cannot be asked. `signal` aborts after `verifyTimeoutSeconds`. A `problem` or `accountName` that holds a secret is
 * not shown.
 */
export type Verify<V extends VariablesOptions = VariablesOptions> = (
  values: ValuesOf<V>,
  signal: AbortSignal,
) => Promise<Verification>

export interface ProviderFormParts extends Pick<FormProvider, 'name' | 'label' | 'service' | 'variables'> {
  readonly destinations: readonly Destination[]
  readonly verify: Verify | undefined
}

/** The provider's options that only its form uses. */
export interface ProviderFormDetails {
  readonly doc?: string | undefined
  readonly manageUrl?: string | undefined
  readonly verifyTimeoutSeconds?: number | undefined
  readonly allowUnverified?: boolean | undefined
  readonly expiry?: 'optional' | 'required' | undefined
  readonly maxAgeDays?: number | undefined
}

const VERIFY_SECONDS = 5

/**
 * Returns the part of a provider that the form uses. Without `verify`, the form accepts all values that fit the variables and can be sent.
 */
export function providerForm(
  { destinations, verify, ...form }: ProviderFormParts,
  {
    doc,
    manageUrl,
    verifyTimeoutSeconds = VERIFY_SECONDS,
    allowUnverified = false,
    expiry,
    maxAgeDays,
  }: ProviderFormDetails,
): FormProvider {
  return {
    ...form,
    doc,
    manageUrl,
    allowUnverified,
    expiry: { date: expiry ?? 'none', maxAgeDays },
    destinations: destinations.map(({ description }) => description),
    fieldProblems: (values) =>
      new Map(destinations.flatMap(({ headers }) => headers.flatMap((header) => [...header.problems(values)]))),
    verify:
      verify &&
      (async (values) => {
        // withDeadline replaces foreign errors, so the cause is read before.
        let failure: VerifyFailure | undefined
        const ask = async (signal: AbortSignal): Promise<Verification> => {
          try {
            return await verify(values, signal)
          } catch (error) {
            failure = verifyFailure(error, form.variables, values)
            throw error
          }
        }
        try {
          const verification = await withDeadline(form.label, verifyTimeoutSeconds * 1000, ask)
          return shownOf(textsOf(verification), form.variables, values)
        } catch (error) {
          return failure ?? verifyFailure(error, form.variables, values)
        }
      }),
  }
}

// The service's answer is foreign, whatever its type says: only text is shown, and only `ok: true` accepts.
function textsOf(verification: Verification): Verification {
  const { ok, accountName, expiresAt, problem }: Foreign<Verification> = verification
  if (ok === true) {
    return {
      ok,
      ...(typeof accountName === 'string' && { accountName }),
      ...(expiresAt instanceof Date && !Number.isNaN(expiresAt.getTime()) && { expiresAt }),
    }
  }
  return { ok: false, problem: typeof problem === 'string' ? problem : REJECTED }
}

type Foreign<T> = { readonly [Name in T extends unknown ? keyof T : never]?: unknown }

const REJECTED = 'The service rejected it.'

// Services quote rejected values, and the page would show them.
function shownOf(verification: Verification, variables: readonly Variable[], values: CredentialValues): Verification {
  const guard = createEchoGuard()
  guard.add(variables, values, { includeShort: true })
  const shown = withPlainName(verification)
  // A secret may occur with the characters that are removed, or without them.
  if (!guard.finds(verification) && !guard.finds(shown)) return shown
  return verification.ok ? { ok: true } : { ok: false, problem: REJECTED }
}

function withPlainName(verification: Verification): Verification {
  if (!verification.ok || verification.accountName === undefined) return verification
  return { ...verification, accountName: accountNameOf(verification.accountName) }
}
