import type { Stores } from '../create-stores.ts'

/** Opens the log with the key that the server signs it with. A store that has no key of its own need not be reached for that. */
export async function openAudit({ backend, audit }: Pick<Stores, 'backend' | 'audit'>): Promise<void> {
  if (!backend.deriveKey) return audit.open?.(undefined)
  await backend.open()
  await audit.open?.(backend.deriveKey('audit'))
}
