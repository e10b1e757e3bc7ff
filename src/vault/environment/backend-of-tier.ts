import { CredentialVaultError } from '../../core/model/errors.ts'
import type { SecretBackend } from '../../core/ports/secret-backend.ts'
import type { BundleTier } from '../../core/ports/store-keys.ts'

/** The kinds of stores that `MCP_VAULT_BACKEND` names. */
export type BackendKind = 'sealed-file' | 'vault' | 'aws-secrets-manager' | 'memory'

/**
 * Checks that a process of one tier has that tier's login or bundle and no other.
 *
 * @throws `configuration_invalid`, naming the variable to set or to unset
 */
export function backendOfTier(backend: SecretBackend, kind: BackendKind, tier: BundleTier): SecretBackend {
  if (kind === 'memory')
    throw wrong('MCP_VAULT_BACKEND: the two tiers are two processes, and memory belongs to one. Choose another backend')
  // The SDK's own chain finds one login and does not say what it may do; the start and "doctor --tier" ask AWS.
  if (kind === 'aws-secrets-manager') {
    const login: SecretBackend = { ...backend, principals: () => [{ tier, backend: login }] }
    return login
  }
  if (kind === 'sealed-file' && !backend.principals) {
    throw wrong(
      `MCP_VAULT_BUNDLE_FILE: the ${tier} tier needs a bundle of its own keys, not the store key. Make it with "mcp-credential-vault keys ${COMMANDS[tier]} --out FILE", and unset MCP_VAULT_KEY and MCP_VAULT_KEY_FILE`,
    )
  }
  const others = (backend.principals?.() ?? []).filter((principal) => principal.tier !== tier)
  const [other] = others
  if (!other) return backend
  throw wrong(
    kind === 'sealed-file'
      ? `MCP_VAULT_BUNDLE_FILE: it holds the keys of the ${other.tier} tier. The ${tier} tier needs those that "mcp-credential-vault keys ${COMMANDS[tier]}" makes`
      : VAULT_LOGINS[tier],
  )
}

const COMMANDS: Readonly<Record<BundleTier, string>> = { form: 'export-writer', tool: 'export-reader' }

const VAULT_LOGINS: Readonly<Record<BundleTier, string>> = {
  form: 'VAULT_WRITE_AUTH_METHOD: the form tier needs the login for writing (VAULT_WRITE_…) and no other. Set it, and unset VAULT_READ_… and the login for both (VAULT_TOKEN and the like)',
  tool: 'VAULT_READ_AUTH_METHOD: the tool tier needs the login for reading (VAULT_READ_…) and no other. Set it, and unset VAULT_WRITE_… and the login for both (VAULT_TOKEN and the like)',
}

function wrong(problem: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', `environment.${problem}.`, { reason: 'tier_keys' })
}
