import type { GatedCall } from '../../core/gate/gated-call.ts'
import { contextOf } from '../../core/gate/gated-call.ts'
import type { CredentialRequest } from '../../core/gate/gated-provider.ts'
import type { RequestCause } from '../../core/model/credential-state.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { entryUrl } from '../../core/network/form-urls.ts'
import type { ProviderServices } from '../credential-vault.ts'

export interface CredentialRequestParts {
  readonly services: Pick<ProviderServices, 'reader' | 'log' | 'pendingRequests' | 'hasLogin'>
  readonly key: StorageKey
  readonly call: GatedCall
  readonly cause: RequestCause
  /** Whether the call waits for the form. A waiting call keeps the request open if another call's consent is declined. */
  readonly waits: boolean
  readonly serverBaseUrl: URL
  readonly isSaved: () => Promise<boolean>
}

/** Opens or reuses the owner's pending request for a provider, and logs that the call asked for it. */
export async function openCredentialRequest(parts: CredentialRequestParts): Promise<CredentialRequest> {
  const { services, key, call, cause, waits, serverBaseUrl, isSaved } = parts
  const { reader, log, pendingRequests } = services
  const { user, clientName, tool } = call
  const { provider } = key
  const request = await pendingRequests.openOrReuse({ provider, user, clientName, tool, cause }, { waits })
  try {
    const context = { ...contextOf(call), request: pendingRequests.label(request) }
    await log.grant(key, context, { type: 'credential.requested', outcome: 'success', reason: cause })
  } catch (error) {
    await pendingRequests.leave(request)
    throw error
  }
  return {
    request,
    url: entryUrl(serverBaseUrl, request),
    hasLogin: services.hasLogin,
    outlivesProcess: pendingRequests.outliveProcess,
    mayWait: request.waiterId !== undefined,
    async wait(signal) {
      const end = await pendingRequests.wait(request, isSaved, signal)
      // The credential may have been saved on another replica.
      if (end === 'saved') reader.forget(key)
      return end
    },
    leave: () => pendingRequests.leave(request),
    withdraw: async () => void (await pendingRequests.withdraw(request)),
  }
}
