import { setMaxListeners } from 'node:events'
import { CredentialVaultError } from '../../core/model/errors.ts'

/** The end of one tool call, for the requests that were begun in it. */
export interface CallEnd {
  /** Aborts when the call is cancelled, and when it is over. */
  readonly signal: AbortSignal
  /** The call is over. */
  reached(): void
  isOver(): boolean
}

/** @param cancelled aborts when the client cancels the call or disconnects */
export function callEnd(provider: string, cancelled: AbortSignal | undefined): CallEnd {
  // Created on first use, because most calls have nothing to end.
  let controller: AbortController | undefined
  let over = false
  const abort = () => controller?.abort(ended(provider))

  return {
    get signal() {
      if (!controller) {
        controller = new AbortController()
        // Each waiting request adds a listener. With 0, which means no limit, undici's Request throws.
        setMaxListeners(10_000, controller.signal)
        cancelled?.addEventListener('abort', abort)
        if (over || cancelled?.aborted) abort()
      }
      return controller.signal
    },
    reached() {
      over = true
      cancelled?.removeEventListener('abort', abort)
      abort()
    },
    isOver: () => over,
  }
}

function ended(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'call_ended',
    `The tool call that made this ${provider} request has ended or was cancelled. Await fetch() and read its response inside the handler.`,
  )
}
