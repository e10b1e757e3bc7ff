import type { GatedCall } from '../../core/gate/gated-call.ts'
import { contextOf } from '../../core/gate/gated-call.ts'
import type { CredentialRequest } from '../../core/gate/gated-provider.ts'
import type { RequestCause } from '../../core/model/credential-state.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { entryUrl } from '../../core/network/form-urls.ts'
import type { PendingRequest, WaitEnd } from '../../core/ports/pending-request.ts'
import type { HasCredential } from '../../core/requests/request-wait.ts'
import type { ProviderServices } from '../credential-vault.ts'

export interface RequestParts {
  readonly services: Pick<ProviderServices, 'reader' | 'log' | 'pendingRequests' | 'hasLogin'>
  readonly key: StorageKey
  readonly call: GatedCall
  readonly serverBaseUrl: URL
  /** With `since`, what was cached before then does not count. */
  readonly hasCredential: HasCredential
}

export interface CredentialRequestParts extends RequestParts {
  readonly cause: RequestCause
  /** Whether the call waits for the form. A waiting call keeps the request open if another call's consent is declined. */
  readonly waits: boolean
}

/** Opens or reuses the owner's pending request for a provider, and logs that the call asked for it. */
export async function openCredentialRequest(parts: CredentialRequestParts): Promise<CredentialRequest> {
  const { services, key, call, cause, waits } = parts
  const { log, pendingRequests } = services
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
  return new OpenCredentialRequest(parts, request)
}

/** Returns the request that an earlier leg of the same call asked for, or how it ended. That leg has logged it. */
export async function resumeCredentialRequest(
  parts: RequestParts & { readonly handle: string; readonly waits: boolean },
): Promise<CredentialRequest | WaitEnd> {
  const { services, key, call, handle, waits } = parts
  const { user, clientName, tool } = call
  // The cause is that of the stored request, which the leg that asked has set.
  const wanted = { provider: key.provider, user, clientName, tool, cause: 'absent' } as const
  const found = await services.pendingRequests.resume(wanted, handle, { waits })
  if (found === 'saved') services.reader.forget(key)
  return typeof found === 'string' ? found : new OpenCredentialRequest(parts, found)
}

/** A credential request as the gate uses it. A class: see "A waiting call takes little memory" in docs/design.md. */
class OpenCredentialRequest implements CredentialRequest {
  readonly request: PendingRequest
  readonly url: string
  readonly #parts: RequestParts
  /** Whether the last look found the credential, and left nothing cached from before its wake. */
  #isFresh = false

  constructor(parts: RequestParts, request: PendingRequest) {
    this.#parts = parts
    this.request = request
    this.url = entryUrl(parts.serverBaseUrl, request)
  }

  get hasLogin(): boolean {
    return this.#parts.services.hasLogin
  }

  get outlivesProcess(): boolean {
    return this.#parts.services.pendingRequests.outliveProcess
  }

  get mayWait(): boolean {
    return this.request.waiterId !== undefined
  }

  wait(signal: AbortSignal): Promise<WaitEnd> {
    const { services, key } = this.#parts
    return services.pendingRequests
      .wait(this.request, (since) => this.#hasCredential(since), signal)
      .then((end) => {
        // The credential may have been saved on another replica, and what is cached may be from before.
        if (end === 'saved' && !this.#isFresh) services.reader.forget(key)
        return end
      })
  }

  async #hasCredential(since: number | undefined): Promise<boolean> {
    const saved = await this.#parts.hasCredential(since)
    this.#isFresh = saved && since !== undefined
    return saved
  }

  leave(): Promise<void> {
    return this.#parts.services.pendingRequests.leave(this.request)
  }

  async withdraw(): Promise<void> {
    await this.#parts.services.pendingRequests.withdraw(this.request)
  }
}
