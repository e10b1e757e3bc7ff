import type { Drain } from '../host/drain.ts'
import type { CredentialState, RequestCause } from '../model/credential-state.ts'
import type { User } from '../model/owner.ts'
import type { AuditReason } from '../ports/audit-sink.ts'
import type { PendingRequest, WaitEnd } from '../ports/pending-request.ts'
import type { GatedCall } from './gated-call.ts'
import type { ToolCall } from './tool-call.ts'

/**
 * A provider, as gates of any protocol use it. Its errors are `CredentialVaultError`: an outage is `unavailable`, never "not connected".
 */
export interface GatedProvider {
  readonly name: string
  /** What users call the service. */
  readonly label: string
  /** How long a call waits for its user, in seconds. */
  readonly tokenTimeoutSeconds: number
  /** Opens the vault if it is not yet open. */
  ready(): Promise<void>
  /** Returns the user named by the request's verified `authInfo`, or undefined if it names none. */
  userOf(authInfo: unknown): User | undefined
  /** Returns the way to the user's own JWT, if the vault has one. */
  assertionOf(user: User, authInfo: unknown): GatedCall['assertion']
  /** Whether the handler can run now. */
  credentialState(call: GatedCall): Promise<CredentialState>
  /** Returns the owner's open request, or opens one. A call that `waits` keeps it open even if another call's user declines. */
  requestCredential(
    call: GatedCall,
    cause: RequestCause,
    options: { readonly waits: boolean },
  ): Promise<CredentialRequest>
  /**
   * Runs the handler, with the call as it is behind this gate: it has access to this provider's credential until the handler ends. Default:
   * the call as it was given.
   */
  run<T>(call: GatedCall, toolCall: ToolCall, handler: (inside?: ToolCall) => Promise<T>): Promise<T>
  /**
   * Names the version of the credential that the call uses, for comparison only. Undefined if there is none. For adapters that keep
   * something alive for as long as a version is in use.
   */
  versionOf?(call: GatedCall): Promise<string | undefined>
  /**
   * Settles what the handler reported while it ran. Called once the handler has settled, with the error that it threw, if any. Default:
   * `kept`.
   */
  settle?(call: GatedCall, error: unknown): Promise<Verdict>
  /**
   * Returns one of the provider's named accounts. Default: it has none.
   *
   * @throws `configuration_invalid` (`reason: 'account_unknown'`) for one that it does not declare
   */
  account?(name: string): GatedProvider
  /** Returns a line for the result of a call whose credential ends soon, at most once a day and owner. Default: none. */
  expiryNotice?(call: GatedCall): Promise<string | undefined>
  /** Counts running calls, and ends waits when the process is about to end. Asked once the provider is ready. Default: none. */
  drain?(): Drain
  /**
   * What calls need whose client repeats them (MCP 2026-07-28). Asked once the provider is ready. Default: such a call is answered with the
   * link as text.
   */
  repeatedCalls?(): RepeatedCalls
  /** Records that a result was withheld because it contained a secret that names no source of its own. */
  reportEcho(call: GatedCall): Promise<void>
}

/** @throws `configuration_invalid` (`reason: 'account_unknown'`) for an account that the provider does not declare */
export function providerOfAccount(provider: GatedProvider, account: string | undefined): GatedProvider {
  if (account === undefined) return provider
  if (provider.account) return provider.account(account)
  throw new TypeError(`the provider ${provider.name} has no accounts`)
}

/** Writes the audit lines about processes that are given a credential. */
export interface ProcessLog {
  /**
   * Writes that a process is about to be given the values of this version. The line is durable when this resolves.
   *
   * @throws `audit_unavailable`
   */
  injected(call: GatedCall, process: GivenProcess): Promise<InjectedProcess>
}

export interface GivenProcess {
  readonly pid: number
  /** Label of the version. */
  readonly version: string
}

/** The later lines about one process. They never reject. */
export interface InjectedProcess {
  started(): Promise<void>
  ended(reason: AuditReason): Promise<void>
}

/**
 * Says what became of a credential while its handler ran. `kept`: the gate has nothing to do. `replaced`: the service rejected it, and a newer
 * version can be tried. Otherwise the gate asks the owner for the credential of `provider`, which may be another account.
 */
export type Verdict = 'kept' | 'replaced' | { readonly cause: RequestCause; readonly provider: GatedProvider }

/** Carries a call from one leg to the next. */
export interface RepeatedCalls {
  /** Returns the state sealed, as base64url. `expiresAt` is in Unix milliseconds. `binding` is text that `open` must be given again. */
  seal(state: object, expiresAt: number, binding: string): string
  /** Returns the state, or undefined for anything that `seal` did not return for this binding, or that has expired. */
  open(sealed: string, binding: string): unknown
  /**
   * Finds the request of an earlier leg by its handle. Returns how it ended if it is no longer open, and `expired` for one that is not this
   * owner's, client's and provider's. Writes no audit line.
   */
  resume(call: GatedCall, handle: string, options: { readonly waits: boolean }): Promise<CredentialRequest | WaitEnd>
}

/** An open request, as a gate uses it. */
export interface CredentialRequest {
  /** Form's URL: worthless without the owner's login. */
  readonly url: string
  /** Whether the form begins with a login. In local mode it is open to this machine's own browser. */
  readonly hasLogin: boolean
  readonly request: PendingRequest
  /** Whether the link still works after this process has ended, because another one shares its requests. */
  readonly outlivesProcess: boolean
  /** False if the owner already has the maximum number of waiting calls. */
  readonly mayWait: boolean
  wait(signal: AbortSignal): Promise<WaitEnd>
  /** Ends this call's wait before it has begun. */
  leave(): Promise<void>
  /** Ends the request after its user declined. */
  withdraw(): Promise<void>
}
