import { type CompletionNotices, createCompletionNotices } from '../../core/gate/completion-notices.ts'

/** The part of an SDK's low-level `Server` that ends the notices. */
interface Closing {
  onclose?: (() => void) | undefined
}

/** Hooks into the server's `onclose` only when needed, because applications may set it after registering their tools. */
export function noticesUntilClosed(server: Closing): CompletionNotices {
  const notices = createCompletionNotices()
  let hooked = false
  return {
    ...notices,
    watch(request, notify) {
      notices.watch(request, notify)
      if (hooked) return
      hooked = true
      const closed = server.onclose
      server.onclose = () => {
        notices.close()
        closed?.()
      }
    },
  }
}
