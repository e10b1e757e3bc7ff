import { withDeadline } from './core/deadline.ts'
import { createEchoGuard } from './core/echo-guard.ts'
import type { CredentialValues, ValuesOf, Variable, VariablesOptions } from './core/variables.ts'
import type { FormProvider, Verification } from './web/form-provider.ts'

/**
 * Tries submitted values against the service. Resolve `{ ok: false, problem }` with one sentence for the user when the service refuses
 * them; throw when it cannot be asked. `signal` aborts after 5 s. A `problem` or `accountName` that holds a secret is not shown.
 */
export type Verify<V extends VariablesOptions = VariablesOptions> = (
  values: ValuesOf<V>,
  signal: AbortSignal,
) => Promise<Verification>

export interface ProviderFormParts extends Omit<FormProvider, 'verify'> {
  readonly verify: Verify | undefined
}

const VERIFY_DEADLINE = 5_000

/** What the form needs of a provider. Without `verify`, whatever fits the variables is accepted. */
export function providerForm({ verify, ...form }: ProviderFormParts): FormProvider {
  return {
    ...form,
    verify:
      verify &&
      (async (values) => {
        const verification = await withDeadline(form.label, VERIFY_DEADLINE, (signal) => verify(values, signal))
        return withoutSecrets(verification, form.variables, values)
      }),
  }
}

// Services quote what they refuse, and what they quote would be shown on a page.
function withoutSecrets(
  verification: Verification,
  variables: readonly Variable[],
  values: CredentialValues,
): Verification {
  const guard = createEchoGuard()
  guard.add(variables, values, { includeShort: true })
  if (!guard.finds(verification)) return verification
  return verification.ok ? { ok: true } : { ok: false, problem: 'The service refused it.' }
}
