import type { ClientAnswer, ClientPort, UrlQuestion } from '../../core/gate/client-port.ts'

/** The part of an SDK's low-level server that asks a client during its call (MCP 2025-11-25). */
interface AskingServer {
  elicitInput(
    question: UrlQuestion & { readonly mode: 'url' },
    options: OnCall & { readonly timeout: number; readonly signal: AbortSignal },
  ): Promise<{ readonly action: 'accept' | 'decline' | 'cancel' }>
  createElicitationCompletionNotifier(elicitationId: string, options?: OnCall): () => Promise<void>
}

interface OnCall {
  readonly relatedRequestId: string | number
}

/** How the client of the call with this JSON-RPC id is asked, and told that the page is done. */
export class RequestsOnCall implements Pick<ClientPort, 'askByUrl' | 'notifyDone'> {
  readonly #server: AskingServer
  // Without relatedRequestId an SDK would use a stream that the client may not have opened.
  readonly #onCall: OnCall

  constructor(server: AskingServer, relatedRequestId: string | number) {
    this.#server = server
    this.#onCall = { relatedRequestId }
  }

  askByUrl(question: UrlQuestion, { waitMilliseconds, signal }: AskOptions): Promise<ClientAnswer> {
    const options = { ...this.#onCall, timeout: waitMilliseconds, signal }
    return this.#server.elicitInput({ mode: 'url', ...question }, options).then(
      (result) => result.action,
      () => (signal.aborted ? 'accept' : 'failed'),
    )
  }

  async notifyDone(elicitationId: string, stream: 'call' | 'session'): Promise<void> {
    await this.#server.createElicitationCompletionNotifier(
      elicitationId,
      stream === 'call' ? this.#onCall : undefined,
    )()
  }
}

type AskOptions = Parameters<ClientPort['askByUrl']>[1]

/**
 * @param declared undefined if this server instance did not see the handshake
 * @param handlesError whether the operator lists the client as one that handles error -32042 without declaring URL mode
 */
export function abilityOf(
  declared: { readonly elicitation?: { readonly url?: unknown } | undefined } | undefined,
  handlesError: boolean,
): ClientPort['ability'] {
  if (!declared) return 'unknown'
  if (declared.elicitation?.url) return 'url-elicitation'
  return handlesError ? 'url-error' : 'no-url-elicitation'
}
