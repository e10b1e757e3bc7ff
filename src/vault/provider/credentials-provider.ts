import type { CredentialHandle } from '../../core/credentials/credential-handle.ts'
import {
  type CredentialReference,
  invalidReference,
  type ReferenceContent,
} from '../../core/credentials/credential-reference.ts'
import type { GatedCall } from '../../core/gate/gated-call.ts'
import { contextOf } from '../../core/gate/gated-call.ts'
import type { CredentialRequest, GatedProvider } from '../../core/gate/gated-provider.ts'
import { type CallExtra, requireCall, type ToolCall } from '../../core/gate/tool-call.ts'
import type { RejectionEnd } from '../../core/lifecycle/rejections.ts'
import { currentState } from '../../core/lifecycle/state-of.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import type { CredentialState, RequestCause } from '../../core/model/credential-state.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import { type Owner, sameOwner, type User } from '../../core/model/owner.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import { defineVariables, type Variable, type VariablesOptions } from '../../core/model/variables.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { KoaApplication } from '../../core/ports/koa.ts'
import type { CredentialStatus } from '../../core/ports/secret-backend.ts'
import type { CredentialVault, ProviderServices } from '../credential-vault.ts'
import { callEnd } from './call-end.ts'
import { type CallReferences, createCallReferences } from './call-references.ts'
import { createCallRejections, rejectedBy } from './call-rejections.ts'
import { callUser, otherOwner, runningCall } from './call-user.ts'
import { openCredentialRequest } from './credential-request.ts'
import { type CredentialsProviderOptions, credentialsProviderOptions } from './credentials-provider-options.ts'
import { createOutgoingRequests, type OutgoingRequests } from './outgoing-requests.ts'
import { providerForm } from './provider-form.ts'
import { createProviderHandle, type HandleCall } from './provider-handle.ts'
import { openProviderVault, whenShared } from './provider-vault.ts'

/**
 * One service whose credential is collected from each user, kept in the vault, and handed to gated tools.
 *
 * Synchronous to make; `await provider.ready()` opens what is not yet open, and the gate and routes do so by themselves.
 *
 * @throws `configuration_invalid` from the constructor, naming the option's path
 * @example
 * ```ts
 * import { CredentialsProvider } from 'mcp-credential-vault'
 * const jira = new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })
 * ```
 */
export class CredentialsProvider<const V extends VariablesOptions = VariablesOptions> implements GatedProvider {
  readonly name: string
  readonly label: string
  readonly tokenTimeoutSeconds: number
  // Without V: what takes values would otherwise keep this provider from standing where any provider may.
  readonly #options: CredentialsProviderOptions<VariablesOptions>
  readonly #variables: readonly Variable[]
  readonly #outgoing: OutgoingRequests
  readonly #form: FormProvider
  readonly #references: CallReferences
  readonly #rejections = createCallRejections()
  /** The status with which each call passed, so that a notice about its expiry needs no second look. */
  readonly #seen = new WeakMap<GatedCall, CredentialStatus>()
  #attached: { readonly vault: CredentialVault; readonly services: ProviderServices } | undefined
  #opening: Promise<void> | undefined

  constructor(options: CredentialsProviderOptions<V>) {
    const checked = parseOptions(credentialsProviderOptions, options, 'CredentialsProvider')
    this.name = checked.name
    this.label = checked.label ?? checked.name.charAt(0).toUpperCase() + checked.name.slice(1)
    this.tokenTimeoutSeconds = checked.tokenTimeoutSeconds
    this.#options = options as unknown as CredentialsProviderOptions<VariablesOptions>
    this.#variables = defineVariables(options.variables, 'CredentialsProvider.variables')
    this.#references = createCallReferences(this.name, checked.referenceTtlSeconds)
    this.#outgoing = createOutgoingRequests(this, this.#variables, this.#options)
    const { name, label } = this
    const { destinations, verify } = this.#outgoing
    this.#form = providerForm({ name, label, variables: this.#variables, destinations, verify }, this.#options)
    if (options.vault) this.#attach(options.vault)
    else whenShared(options, (vault) => this.#attach(vault))
  }

  /** The vault, for its `bearerGate`, `endSessions` and `close`. Throws `configuration_invalid` before it is open. */
  get vault(): CredentialVault {
    return this.#open().vault
  }

  /** Opens the vault if this provider has none yet. */
  async ready(): Promise<void> {
    if (this.#attached) return
    this.#opening ??= openProviderVault(this.#options).then((vault) => {
      if (!this.#attached) this.#attach(vault)
    })
    try {
      await this.#opening
    } catch (error) {
      this.#opening = undefined
      throw error
    }
  }

  /** Serves the form on a Koa application. Routes are shared: several providers of one vault register them once. */
  register(app: KoaApplication): void {
    if (this.#attached) {
      this.#attached.vault.register(app)
      return
    }
    app.use(async (ctx, next) => {
      if (!/\/(credentials|\.well-known)(\/|$)/.test(ctx.path)) return next()
      await this.ready()
      return this.vault.routes(ctx, next)
    })
  }

  /** Paths that must be reachable without a token. */
  get openPaths(): readonly string[] {
    return this.vault.openPaths
  }

  /**
   * Returns the credential of one gated call, as a handle that holds no values. `extra` says which call: pass on the very object that the
   * gate handed to the handler. A spread of it and a proxy around it will do; nothing ambient does, since behind a queue that many calls
   * share, an ambient context is another user's.
   *
   * @example
   * requireCredentials(jira, async (args: { title: string }, extra: ToolExtra) => {
   *   const key = await jira.getCredentials(extra).use(({ pat }) => createIssue(args, pat))
   *   return { content: [{ type: 'text', text: key }] }
   * })
   * @throws `configuration_invalid` (`reason: 'call_unknown'`) for anything else; `call_ended` once the call has answered, and for a call
   *   that passed no gate of this provider
   */
  getCredentials(extra: CallExtra): CredentialHandle<V> {
    const toolCall = requireCall(extra, `getCredentials() of ${this.name}`)
    const pass = toolCall.passOf(this)
    if (!pass) {
      throw new CredentialVaultError(
        'call_ended',
        `getCredentials() of ${this.name} works inside a handler that requireCredentials(${this.name}, …) gated, while its call runs.`,
      )
    }
    const { call, id, signal } = pass
    const key = this.#key(call.user)
    const reference = () => this.#references.seal(this.#ready().sealer, key.owner, id)
    return this.#handle(reference, key, { call, toolCall, signal }, () => toolCall.passOf(this) === pass)
  }

  /**
   * Turns a reference back into a handle, for the owner that it was made for. With `extra`, the handle ends with that call and the call's
   * answer is searched for what it releases; without, it is not searched for.
   *
   * @throws `reference_invalid` for another owner or provider, for an expired, ended or changed reference, and for the `extra` of another
   *   person's call: always the same error; `configuration_invalid` for an `extra` that no gate handed out
   */
  resolve(reference: string, owner: Owner, extra?: CallExtra): CredentialHandle<V> {
    const opened = this.#openReference(reference, owner)
    if (!opened) throw invalidReference()
    const isOpen = () => this.#openReference(reference, owner) !== undefined
    const key = this.#key(opened.owner)
    if (extra === undefined) {
      const call = { user: opened.owner, correlationId: newCorrelationId() }
      return this.#handle(() => opened.reference, key, { call }, isOpen)
    }
    const { toolCall, call, signal } = runningCall(this, extra, 'resolve()')
    if (!sameOwner(call.user, opened.owner)) throw invalidReference()
    const isLive = () => toolCall.outermost() !== undefined && isOpen()
    return this.#handle(() => opened.reference, key, { call, toolCall, signal }, isLive)
  }

  /**
   * Revokes the owner's credential: the next call asks for it again. Resolves false when there was none. With `extra` the audit line names
   * that call, else an operator.
   *
   * @throws `configuration_invalid` (`reason: 'other_owner'`) for the `extra` of another person's call
   */
  async invalidateCredentials(owner: Owner, extra?: CallExtra): Promise<boolean> {
    await this.ready()
    const call = extra && runningCall(this, extra, 'invalidateCredentials()').call
    if (call && !sameOwner(call.user, owner)) throw otherOwner(`invalidateCredentials() of ${this.name}`)
    const operator = { correlationId: newCorrelationId(), actor: { kind: 'operator' } } as const
    return this.#ready().revoke(this.#key(owner), { purge: false }, call ? contextOf(call) : operator)
  }

  userOf(authInfo: unknown): User | undefined {
    const ownerFrom = this.#options.ownerFrom ?? this.#ready().ownerFrom
    return callUser(authInfo, ownerFrom, this.#options.userContext)
  }

  assertionOf(user: User, authInfo: unknown): GatedCall['assertion'] {
    const { assertion } = this.#ready()
    return assertion && (() => assertion(user, authInfo))
  }

  async credentialState(call: GatedCall): Promise<CredentialState> {
    const current = await currentState(this.#ready().reader, this.#key(call.user), this.#form, call)
    if (current.state === 'active') this.#seen.set(call, current.status)
    return current.state
  }

  async requestCredential(
    call: GatedCall,
    cause: RequestCause,
    { waits }: { readonly waits: boolean } = { waits: false },
  ): Promise<CredentialRequest> {
    const key = this.#key(call.user)
    const { serverBaseUrl } = this.vault
    const isSaved = async () => (await this.credentialState(call)) === 'active'
    return openCredentialRequest({ services: this.#ready(), key, call, cause, waits, serverBaseUrl, isSaved })
  }

  async run<T>(call: GatedCall, toolCall: ToolCall, handler: () => Promise<T>): Promise<T> {
    const id = newCorrelationId()
    const end = callEnd(this.name, call.signal)
    this.#references.begin(id)
    const pass = { call, id, signal: () => end.signal }
    const begun = this.#ready().cutoff.begin(call.user, end.reached)
    toolCall.enter(this, pass)
    try {
      const result = await handler()
      const answer = {
        key: this.#key(call.user),
        context: contextOf(call),
        result,
        clientArguments: toolCall.arguments,
      }
      this.#ready().crossings.answered(answer)
      return result
    } finally {
      toolCall.leave(pass)
      this.#references.end(id)
      begun.end()
      end.reached()
    }
  }

  async settleRejection(call: GatedCall): Promise<RejectionEnd> {
    const rejection = this.#rejections.take(call)
    if (!rejection) return 'kept'
    this.#seen.delete(call)
    return this.#ready().rejections.settle(this.#key(call.user), rejection, contextOf(call))
  }

  async expiryNotice(call: GatedCall): Promise<string | undefined> {
    // A credential that the call had to ask for has not been seen yet.
    if (!this.#seen.has(call)) await this.credentialState(call)
    const status = this.#seen.get(call)
    return status && this.#ready().expiryNotices.noticeFor(this.#key(call.user), this.label, status, call)
  }

  async reportEcho(call: GatedCall): Promise<void> {
    await this.#ready().log.grant(this.#key(call.user), contextOf(call), {
      type: 'credential.echoed',
      outcome: 'denied',
    })
  }

  #attach(vault: CredentialVault): void {
    const services = vault.attach(this.#form, () => this.#outgoing.close())
    this.#attached = { vault, services }
  }

  #openReference(text: string, owner: Owner): ReferenceContent | undefined {
    return this.#references.open(this.#ready().sealer, text, owner)
  }

  #handle(
    reference: () => CredentialReference,
    key: StorageKey,
    bound: HandleCall,
    isLive: () => boolean,
  ): CredentialHandle<V> {
    return createProviderHandle<V>({
      ...bound,
      key,
      variables: this.#variables,
      services: this.#ready,
      outgoing: this.#outgoing,
      rejections: this.#rejections,
      rejectedWhen: rejectedBy(this.#options.rejectedWhen),
      hasGate: bound.toolCall?.passOf(this) !== undefined,
      includeShort: this.#options.guardShortSecrets ?? false,
      reference,
      isLive,
    })
  }

  #key(owner: Owner): StorageKey {
    return storageKey(this.name, owner)
  }

  #ready = (): ProviderServices => this.#open().services

  #open(): { readonly vault: CredentialVault; readonly services: ProviderServices } {
    if (this.#attached) return this.#attached
    throw new CredentialVaultError(
      'configuration_invalid',
      `The vault of ${this.name} is not open yet. Await provider.ready() first.`,
      { reason: 'not_ready' },
    )
  }
}
