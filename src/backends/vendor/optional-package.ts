import { CredentialVaultError } from '../../core/model/errors.ts'

/**
 * Loads a package that only this backend needs.
 *
 * @throws `configuration_invalid` (`reason: 'package_missing'`), naming the package and the command that installs it
 */
export async function optionalPackage<T>(name: string, backend: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch {
    throw new CredentialVaultError(
      'configuration_invalid',
      `The ${backend} backend needs the package ${name}, which cannot be loaded. Install it: npm install ${name}`,
      { reason: 'package_missing' },
    )
  }
}
