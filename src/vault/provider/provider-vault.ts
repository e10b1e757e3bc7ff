import type { PendingStore } from '../../core/ports/pending-store.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { CredentialVault } from '../credential-vault.ts'
import { vaultOptionsFromEnvironment } from '../environment/vault-options-from-environment.ts'
import { openVault } from '../open-vault.ts'

/** The vault options of a provider with a vault of its own. Missing ones come from the environment. */
export interface OwnVaultOptions {
  readonly serverBaseUrl?: string | URL
  readonly backend?: SecretBackend
  readonly pendingStore?: PendingStore
}

let processWide: Promise<CredentialVault> | undefined
/** Providers that wait for the process-wide vault, whose routes serve all of them at once. */
const waiting = new Set<(vault: CredentialVault) => void>()

/** Runs `attach` once the process-wide vault is open, unless the provider brings parts of one. */
export function whenShared(options: OwnVaultOptions, attach: (vault: CredentialVault) => void): void {
  if (bringsParts(options)) return
  if (!processWide) waiting.add(attach)
}

function attachAll(vault: CredentialVault): CredentialVault {
  for (const attach of waiting) attach(vault)
  waiting.clear()
  return vault
}

function bringsParts({ serverBaseUrl, backend, pendingStore }: OwnVaultOptions): boolean {
  return serverBaseUrl !== undefined || backend !== undefined || pendingStore !== undefined
}

/** Makes an opened vault the process-wide one, for providers without a vault of their own. */
export function shareVault(vault: CredentialVault): void {
  processWide = Promise.resolve(attachAll(vault))
}

/** Opens the provider's own vault if it has any part of one, else the vault that all such providers of the process share. */
export async function openProviderVault(
  options: OwnVaultOptions & { readonly vault?: CredentialVault },
): Promise<CredentialVault> {
  const { vault, serverBaseUrl, backend, pendingStore } = options
  if (vault) return vault
  if (!bringsParts(options)) {
    processWide ??= openVault(vaultOptionsFromEnvironment()).then(attachAll)
    try {
      return await processWide
    } catch (error) {
      processWide = undefined
      throw error
    }
  }
  return openVault(
    vaultOptionsFromEnvironment(process.env, {
      ...(serverBaseUrl !== undefined && { serverBaseUrl }),
      ...(backend && { backend }),
      ...(pendingStore && { pendingStore }),
    }),
  )
}
