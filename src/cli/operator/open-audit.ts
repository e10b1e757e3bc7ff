import type { Stores } from '../../vault/environment/create-stores.ts'
import { withoutEmpty } from '../../vault/environment/environment.ts'

/**
 * Opens the log with the key that the server signs it with; a store that has no key of its own need not be reached for that. Without any
 * key the log opens itself at its first line: a command that writes none would only print the warning about a temporary key.
 */
export async function openAudit(
  { backend, audit }: Pick<Stores, 'backend' | 'audit'>,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  if (backend.deriveKey) {
    await backend.open()
    return audit.open?.(backend.deriveKey('audit'))
  }
  const { MCP_AUDIT_KEY, MCP_AUDIT_KEY_FILE, MCP_AUDIT_SUBJECTS } = withoutEmpty(environment)
  if (MCP_AUDIT_KEY ?? MCP_AUDIT_KEY_FILE ?? MCP_AUDIT_SUBJECTS) await audit.open?.(undefined)
}
