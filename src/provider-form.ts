import { withDeadline } from './core/deadline.ts'
import type { CredentialValues } from './core/variables.ts'
import type { FormProvider, Verification } from './web/form-provider.ts'

/**
 * Tries submitted values against the service. Resolve `{ ok: false, problem }` with one sentence for the user when the service refuses
 * them; throw when it cannot be asked. `signal` aborts after 5 s.
 */
export type Verify = (values: CredentialValues, signal: AbortSignal) => Promise<Verification>

export interface ProviderFormParts extends Omit<FormProvider, 'verify'> {
  readonly verify: Verify | undefined
}

const VERIFY_DEADLINE = 5_000

/** What the form needs of a provider. Without `verify`, whatever fits the variables is accepted. */
export function providerForm({ verify, ...form }: ProviderFormParts): FormProvider {
  return {
    ...form,
    verify: async (values) =>
      verify ? withDeadline(form.label, VERIFY_DEADLINE, (signal) => verify(values, signal)) : { ok: true },
  }
}
