import type { CredentialHandle } from '../../core/credentials/credential-handle.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { Message, Request } from './message.ts'

/** An MCP server behind the proxy: one that is reached over HTTP, or a child process of each session. */
export interface Upstream {
  /**
   * Opens a session with the client's own `initialize` request, as the owner of the call.
   *
   * @throws `UpstreamProblem` if the server refuses or cannot be understood; what the handle throws
   */
  open(initialize: Request, call: CredentialCall): Promise<OpenedSession>
  /**
   * Returns how the server is asked without a session, or undefined if it does not know MCP 2026-07-28. Default: it does not.
   *
   * @throws `UpstreamProblem` if the server refuses or cannot say; what the handle throws
   */
  requests?(call: CredentialCall): Promise<UpstreamRequests | undefined>
  close(): Promise<void>
}

/** A piece of work during which the proxy may use the owner's credential. */
export interface CredentialCall {
  readonly owner: Owner
  /** Releases the credential. Every release is audited before it happens. */
  readonly handle: Pick<CredentialHandle, 'fetch' | 'use' | 'reject'>
  /** Names the version of the credential, for comparison only. What is kept for one version must not serve another. */
  readonly version: string | undefined
  /** Aborts when the client is gone or has cancelled, and when the work has ended. */
  readonly signal: AbortSignal
}

export interface OpenedSession {
  readonly session: UpstreamSession
  /** The server's answer to `initialize`: a result, or an error with which no session was opened. */
  readonly answer: Message
}

/** One session of one client at the upstream. Nothing about it is known to any client. */
export interface UpstreamSession {
  /** Sends one message. The events end with the answer, if the message is a request; there are none otherwise. */
  send(message: Message, call: CredentialCall): Promise<UpstreamAnswer>
  /**
   * Receives what belongs to no request, and with `lastEventId` what a broken stream still owes.
   *
   * @returns undefined if the server has no such stream
   */
  listen(call: CredentialCall, lastEventId: string | undefined): Promise<AsyncIterable<UpstreamEvent> | undefined>
  end(call: CredentialCall): Promise<void>
}

/** Requests of MCP 2026-07-28, none of which needs another. */
export interface UpstreamRequests {
  /**
   * Sends one message with its envelope. The events end with the answer, if the message is a request; there are none otherwise.
   *
   * @param parameters arguments that their tool's schema wants in headers
   */
  send(message: Message, call: CredentialCall, parameters?: Readonly<Record<string, string>>): Promise<UpstreamAnswer>
}

export interface UpstreamAnswer {
  /** Whether the server itself chose an event stream, so that the client is sent one at once. */
  readonly streams: boolean
  /** The status of HTTP that came with an error. */
  readonly status?: number
  readonly events: AsyncIterable<UpstreamEvent>
}

/** An event of a stream. One without a message only moves the place from which a stream is taken up again. */
export interface UpstreamEvent {
  readonly message?: Message
  readonly id?: string
  /** Milliseconds after which a client should connect again. */
  readonly retry?: number
}

/** What an upstream answered, if that is no answer of MCP. Its text is for the client: fixed words, nothing of the answer. */
export class UpstreamProblem extends Error {
  override readonly name = 'UpstreamProblem'
  readonly kind: 'session-ended' | 'refused' | 'failed'

  constructor(kind: UpstreamProblem['kind'], text: string) {
    super(text)
    this.kind = kind
  }
}
