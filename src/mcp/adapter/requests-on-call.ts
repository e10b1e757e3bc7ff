import type { ClientPort, UrlQuestion } from '../../core/gate/client-port.ts'

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

/** Returns how the client of the call with this JSON-RPC id is asked, and told that the page is done. */
export function requestsOnCall(
  server: AskingServer,
  relatedRequestId: string | number,
): Pick<ClientPort, 'askByUrl' | 'notifyDone'> {
  // Without relatedRequestId an SDK would use a stream that the client may not have opened.
  const onCall = { relatedRequestId }
  return {
    askByUrl: (question, { waitMilliseconds, signal }) =>
      server.elicitInput({ mode: 'url', ...question }, { ...onCall, timeout: waitMilliseconds, signal }).then(
        (result) => result.action,
        () => (signal.aborted ? 'accept' : 'failed'),
      ),
    notifyDone: async (elicitationId, stream) =>
      server.createElicitationCompletionNotifier(elicitationId, stream === 'call' ? onCall : undefined)(),
  }
}

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
