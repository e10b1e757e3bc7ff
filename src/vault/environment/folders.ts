import { join, resolve } from 'node:path'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'
import { withoutEmpty } from './environment.ts'

/** Returns the folder of the sealed file that the environment names. */
export function storeFolderOf(environment: NodeJS.ProcessEnv): string {
  return withoutEmpty(environment)['MCP_VAULT_FOLDER'] ?? './data'
}

/** Returns the folder of the audit log that the environment names. */
export function auditFolderOf(environment: NodeJS.ProcessEnv): string {
  return withoutEmpty(environment)['MCP_AUDIT_FOLDER'] ?? join(storeFolderOf(environment), 'audit')
}

/**
 * Refuses the store's own audit folder for a tier of a sealed file, by default or by name: both tiers share the store's folder, and operators'
 * commands sign with the store's key there.
 *
 * @throws `configuration_invalid` (`option`)
 */
export function refuseSharedLog(
  { name }: Pick<SecretBackend, 'name'>,
  environment: NodeJS.ProcessEnv,
  tier: BundleTier,
): void {
  if (name !== 'sealed-file') return
  if (resolve(auditFolderOf(environment)) !== resolve(storeFolderOf(environment), 'audit')) return
  const how = withoutEmpty(environment)['MCP_AUDIT_FOLDER'] === undefined ? 'without it' : 'with this value'
  throw new CredentialVaultError(
    'configuration_invalid',
    `environment.MCP_AUDIT_FOLDER: ${how}, the ${tier} tier would write its audit log into the store's folder, as the other tier and operators' commands would, which sign with other keys. Set a folder for this tier alone.`,
    { reason: 'option' },
  )
}
