import { gateTexts } from '../../core/gate/gate-texts.ts'
import type { GatedCall } from '../../core/gate/gated-call.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { accountUrl } from '../../core/network/form-urls.ts'
import type { ProviderServices } from '../credential-vault.ts'

export interface ExpiryNoticeParts {
  readonly services: Pick<ProviderServices, 'reader' | 'expiryNotices' | 'events'>
  readonly key: StorageKey
  /** What users call the service. */
  readonly label: string
  readonly serverBaseUrl: URL
}

/** Returns the line for a result whose credential ends soon, or undefined if none is due. */
export async function expiryNoticeOf(
  { services, key, label, serverBaseUrl }: ExpiryNoticeParts,
  call: GatedCall,
): Promise<string | undefined> {
  const { reader, expiryNotices, events } = services
  const found = await reader.status(key, call)
  const expiresAt = found.status === 'active' ? found.labels?.expiresAt : undefined
  if (!expiresAt || !expiryNotices.isDue(key, expiresAt, Date.now())) return undefined
  const { owner, provider } = key
  events.emit('expiring', { owner, provider, expiresAt, correlationId: call.correlationId })
  return gateTexts.expiresSoon(label, expiresAt, accountUrl(serverBaseUrl))
}
