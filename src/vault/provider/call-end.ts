import { setMaxListeners } from 'node:events'
import { CredentialVaultError } from '../../core/model/errors.ts'

/** The end of one tool call, for what was begun in it. */
export interface CallEnd {
  /** Aborts when the call is cancelled, and when it is over. */
  readonly signal: AbortSignal
  /** The call is over. */
  reached(): void
}

/** @param cancelled aborts when the client cancels the call or is gone */
export function callEnd(provider: string, cancelled: AbortSignal | undefined): CallEnd {
  // Made for a call that asks for it: most have nothing to end.
  let controller: AbortController | undefined
  let over = false
  const abort = () => controller?.abort(ended(provider))

  return {
    get signal() {
      if (!controller) {
        controller = new AbortController()
        // As many listen as requests wait for their turn. With 0, no limit, undici's Request throws.
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
  }
}

function ended(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'call_ended',
    `The tool call that made this ${provider} request has ended or was cancelled. Await fetch() and read its response inside the handler.`,
  )
}
