import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { BackendCall } from '../../core/ports/secret-backend.ts'
import type { Logins } from './logins.ts'
import { misconfigured } from './transport/answer-error.ts'

/**
 * Checks that a KV version 2 engine is mounted there, as far as this login can see.
 *
 * @throws `configuration_invalid` (`mount`, `kv_version` with the command that upgrades the mount)
 */
export async function checkMount(
  logins: Logins,
  { mount }: { readonly mount: string },
  call: BackendCall,
): Promise<void> {
  const version = await logins
    .either()
    .version(call)
    .catch((error: unknown) => {
      if (isCredentialVaultError(error, 'forbidden'))
        throw misconfigured('mount', `Nothing at ${mount} may be used by this login`)
      throw error
    })
  if (version === '2') return
  throw version === '1'
    ? misconfigured(
        'kv_version',
        `The mount ${mount} is KV version 1, which has no versions and no compare-and-set. Upgrade it: vault kv enable-versioning ${mount}/`,
      )
    : misconfigured('mount', `The mount ${mount} is not a KV secrets engine`)
}
