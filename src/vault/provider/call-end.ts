import { setMaxListeners } from 'node:events'
import { CredentialVaultError } from '../../core/model/errors.ts'

/** The end of one tool call, for the requests that were begun in it. Its members are arrow fields, so that they can be passed on alone. */
export class CallEnd {
  readonly #provider: string
  readonly #cancelled: AbortSignal | undefined
  // Created on first use, because most calls have nothing to end.
  #controller: AbortController | undefined
  #over = false

  /** @param cancelled aborts when the client cancels the call or disconnects */
  constructor(provider: string, cancelled: AbortSignal | undefined) {
    this.#provider = provider
    this.#cancelled = cancelled
  }

  /** Aborts when the call is cancelled, and when it is over. */
  readonly signal = (): AbortSignal => {
    if (!this.#controller) {
      this.#controller = new AbortController()
      // Each waiting request adds a listener. With 0, which means no limit, undici's Request throws.
      setMaxListeners(10_000, this.#controller.signal)
      this.#cancelled?.addEventListener('abort', this.#abort)
      if (this.#over || this.#cancelled?.aborted) this.#abort()
    }
    return this.#controller.signal
  }

  /** The call is over. */
  readonly reached = (): void => {
    this.#over = true
    if (!this.#controller) return
    this.#cancelled?.removeEventListener('abort', this.#abort)
    this.#abort()
  }

  readonly isOver = (): boolean => this.#over

  readonly #abort = (): void => this.#controller?.abort(ended(this.#provider))
}

function ended(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'call_ended',
    `The tool call that made this ${provider} request has ended or was cancelled. Await fetch() and read its response inside the handler.`,
  )
}
