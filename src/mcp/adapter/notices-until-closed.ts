import { type CompletionNotices, createCompletionNotices } from '../../core/gate/completion-notices.ts'

/** The part of an SDK's low-level `Server` that ends the notices. */
interface Closing {
  onclose?: (() => void) | undefined
}

/** Hooks into the server's `onclose` only when needed, because applications may set it after registering their tools. */
export function noticesUntilClosed(server: Closing): CompletionNotices {
  let notices: CompletionNotices | undefined

  function hooked(): CompletionNotices {
    const made = createCompletionNotices()
    const closed = server.onclose
    server.onclose = () => {
      made.close()
      closed?.()
    }
    return made
  }

  return {
    watch(request, notify) {
      notices ??= hooked()
      notices.watch(request, notify)
    },
    close: () => notices?.close(),
  }
}
