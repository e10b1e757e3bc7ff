import { isDeepStrictEqual } from 'node:util'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'

/**
 * @param replaces whether another definition under the name takes the place of the known one
 * @throws `configuration_invalid` for another definition under a name that is taken
 */
export function serveOnce(providers: Map<string, FormProvider>, form: FormProvider, replaces = false): void {
  const known = replaces ? undefined : providers.get(form.name)
  if (known && !sameDefinition(known, form)) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `This vault already has a provider named ${form.name}. Give each provider its own name.`,
      { reason: 'provider_name_taken' },
    )
  }
  providers.set(form.name, form)
}

function sameDefinition(a: FormProvider, b: FormProvider): boolean {
  const definition = ({ label, variables, doc, destinations, expiry, manageUrl }: FormProvider) => ({
    label,
    variables,
    doc,
    destinations,
    expiry,
    manageUrl,
  })
  return isDeepStrictEqual(definition(a), definition(b))
}
