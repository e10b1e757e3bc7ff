import type { CredentialRequest } from './gated-provider.ts'

/** Most requests that one connection waits for after its calls were answered with -32042. The oldest is dropped first. */
const MAX_WATCHED = 100

/** Notifies a client that a form was saved, for calls that were already answered. Each connection has one. */
export interface CompletionNotices {
  watch(request: CredentialRequest, notify: () => Promise<void>): void
  /** Called when the connection ends: there is no client left to notify. */
  close(): void
}

export function createCompletionNotices(): CompletionNotices {
  // Created on first use: every session has one, and most never need it.
  let watched: Set<AbortController> | undefined
  return {
    watch(request, notify) {
      watched ??= new Set()
      const watching = watched
      const abort = new AbortController()
      watching.add(abort)
      const [oldest] = watching
      if (watching.size > MAX_WATCHED) oldest?.abort()
      request
        .wait(abort.signal)
        .then((end) => (end === 'saved' ? notify() : undefined))
        // Not awaited: a client that has disconnected needs no notice.
        .catch(() => undefined)
        .finally(() => watching.delete(abort))
    },
    close() {
      for (const watch of watched ?? []) watch.abort()
    },
  }
}
