import { createKeyUses } from '../../core/crypto/key-uses.ts'
import type { KeyUse } from '../../core/ports/store-keys.ts'
import type { Stores } from '../../vault/environment/create-stores.ts'
import { withoutEmpty } from '../../vault/environment/environment.ts'

/**
 * Opens the log with the server's signing key. The store is opened only if the key is derived from it. Without any key the log opens at its
 * first line, so that a command that writes no line does not print the warning about a temporary key.
 */
export async function openAudit(
  { backend, audit }: Pick<Stores, 'backend' | 'audit'>,
  environment: NodeJS.ProcessEnv,
  keyConfigured: (use: KeyUse) => void = createKeyUses(),
): Promise<void> {
  if (backend.deriveKey) {
    await backend.open({ keyConfigured })
    return audit.open?.(backend.deriveKey('audit'), keyConfigured)
  }
  const { MCP_AUDIT_KEY, MCP_AUDIT_KEY_FILE, MCP_AUDIT_SUBJECTS } = withoutEmpty(environment)
  if (MCP_AUDIT_KEY ?? MCP_AUDIT_KEY_FILE ?? MCP_AUDIT_SUBJECTS) await audit.open?.(undefined, keyConfigured)
}
