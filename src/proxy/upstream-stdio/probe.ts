import { CredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import type { Verification } from '../../core/ports/form-provider.ts'
import { OWN_INITIALIZE } from '../catalogue/catalogue.ts'
import type { UpstreamCheck } from '../config/command-options.ts'
import { givenCall } from '../upstream/given-call.ts'
import { isAnswer, type Message, notification, type Request } from '../upstream/message.ts'
import { errorTextOf, type RejectionMatcher } from '../upstream/rejection-matcher.ts'
import { type CredentialCall, type Upstream, UpstreamProblem, type UpstreamSession } from '../upstream/upstream.ts'

export interface ProbeParts {
  readonly upstream: Pick<Upstream, 'open' | 'sessionClosed'>
  readonly check: UpstreamCheck
  readonly rejections: Pick<RejectionMatcher, 'isRejection'>
  /** Tells this session from others; nobody else learns it. */
  readonly sessionId: string
}

/**
 * Tries values at the server itself. They are in no vault yet, go nowhere else, and are not kept.
 *
 * @throws what says nothing about the values: the server could not be started, did not answer, or failed for another reason
 */
export async function probe(
  { upstream, check, rejections, sessionId }: ProbeParts,
  values: CredentialValues,
  signal: AbortSignal,
): Promise<Verification> {
  const call = givenCall(values, 'check', signal)
  const { tool, arguments: parameters = {} } = check
  const request: Request = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: tool, arguments: parameters },
  }
  try {
    const { session, answer: opened } = await upstream.open(OWN_INITIALIZE, call, sessionId)
    const answer = opened.error ? opened : await answerOf(session, request, call)
    if (errorTextOf(answer) === undefined) return { ok: true }
    if (rejections.isRejection(request, answer))
      return { ok: false, problem: 'The service did not accept these values.' }
    throw new CredentialVaultError('unavailable', `The server's tool ${tool} failed for another reason.`, {
      reason: 'check_failed',
      retryable: true,
    })
  } catch (error) {
    // The form's words are others, and the audit log wants the reason.
    throw error instanceof UpstreamProblem && error.cause !== undefined ? error.cause : error
  } finally {
    await upstream.sessionClosed?.(sessionId)
  }
}

async function answerOf(session: UpstreamSession, request: Request, call: CredentialCall): Promise<Message> {
  await session.send(notification('initialized'), call)
  const { events } = await session.send(request, call)
  for await (const { message } of events) if (message && isAnswer(message)) return message
  throw new UpstreamProblem('failed', 'The server ended before it answered.')
}
