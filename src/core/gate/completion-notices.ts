import type { CredentialRequest } from './gated-provider.ts'

/** Requests that one connection is told about after its call was answered with -32042; the oldest makes room. */
const MAX_WATCHED = 100

/** Tells the client that was asked that the form is saved, for calls that have been answered already. One for each connection. */
export interface CompletionNotices {
  watch(request: CredentialRequest, notify: () => Promise<void>): void
  /** The connection has ended, and nobody is left to be told. */
  close(): void
}

export function createCompletionNotices(): CompletionNotices {
  const watched = new Set<AbortController>()
  return {
    watch(request, notify) {
      const abort = new AbortController()
      watched.add(abort)
      const [oldest] = watched
      if (watched.size > MAX_WATCHED) oldest?.abort()
      request
        .wait(abort.signal)
        .then((end) => (end === 'saved' ? notify() : undefined))
        // Nobody waits for this notice; a client that has gone needs none.
        .catch(() => undefined)
        .finally(() => watched.delete(abort))
    },
    close() {
      for (const watch of watched) watch.abort()
    },
  }
}
