import type { CredentialState, RequestCause } from '../model/credential-state.ts'
import type { User } from '../model/owner.ts'
import type { PendingRequest, WaitEnd } from '../ports/pending-request.ts'
import type { GatedCall } from './gated-call.ts'
import type { ToolCall } from './tool-call.ts'

/**
 * What a gate needs of a provider, whatever protocol it speaks. Errors are `CredentialVaultError`: an outage is `unavailable`, never
 * "not connected".
 */
export interface GatedProvider {
  readonly name: string
  /** What users call the service. */
  readonly label: string
  /** How long a call waits for its user, in seconds. */
  readonly tokenTimeoutSeconds: number
  /** Opens what is not yet open. */
  ready(): Promise<void>
  /** Whose call it is, from what a verified token left on the request. undefined when nobody says. */
  userOf(authInfo: unknown): User | undefined
  /** How the backend gets the user's own JWT, when the vault has a way to it. */
  assertionOf(user: User, authInfo: unknown): GatedCall['assertion']
  /** Whether the handler can run now. */
  credentialState(call: GatedCall): Promise<CredentialState>
  /** The owner's open request, made if there is none. A call that `waits` keeps it open while another call's consent is declined. */
  requestCredential(
    call: GatedCall,
    cause: RequestCause,
    options: { readonly waits: boolean },
  ): Promise<CredentialRequest>
  /** Runs the handler with this provider's credential at hand for `toolCall`, and ends its handle and reference afterwards. */
  run<T>(call: GatedCall, toolCall: ToolCall, handler: () => Promise<T>): Promise<T>
  /** Records that a result was withheld because it contained the secret. */
  reportEcho(call: GatedCall): Promise<void>
}

/** An open request as a gate handles it. */
export interface CredentialRequest {
  /** Form's URL: worthless without the owner's login. */
  readonly url: string
  /** Whether the form begins with a login. In local mode it is open to this machine's own browser. */
  readonly hasLogin: boolean
  readonly request: PendingRequest
  /** False when a call that wanted to wait may not: its owner has as many waiting as one may have. */
  readonly mayWait: boolean
  wait(signal: AbortSignal): Promise<WaitEnd>
  /** For a call that will not wait after all. */
  leave(): Promise<void>
  /** For a declined consent. */
  withdraw(): Promise<void>
}
