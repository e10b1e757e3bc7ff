import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { CredentialRequest } from '../../core/gate/gated-provider.ts'

/** Requests that one connection is told about after its call was answered with -32042; the oldest makes room. */
const MAX_WATCHED = 100

/**
 * Sends `notifications/elicitation/complete` for calls that have been answered already, on the session's own stream and to the
 * client that was asked. Ends with the connection.
 */
export function completionNotices(server: Server): { watch(request: CredentialRequest, elicitationId: string): void } {
  const watched = new Set<AbortController>()
  let hooked = false

  function endWithConnection(): void {
    if (hooked) return
    hooked = true
    const closed = server.onclose
    server.onclose = () => {
      for (const watch of watched) watch.abort()
      closed?.()
    }
  }

  return {
    watch(request, elicitationId) {
      endWithConnection()
      const abort = new AbortController()
      watched.add(abort)
      const [oldest] = watched
      if (watched.size > MAX_WATCHED) oldest?.abort()
      const notify = server.createElicitationCompletionNotifier(elicitationId)
      request
        .wait(abort.signal)
        .then((end) => (end === 'saved' ? notify() : undefined))
        // Nobody waits for this notice; a client that has gone needs none.
        .catch(() => undefined)
        .finally(() => watched.delete(abort))
    },
  }
}
