import type { CredentialHandle } from '../../core/credentials/credential-handle.ts'
import { invalidReference, type ReferenceContent } from '../../core/credentials/credential-reference.ts'
import { contextOf, type GatedCall } from '../../core/gate/gated-call.ts'
import type {
  CredentialRequest,
  GatedProvider,
  ProcessLog,
  RepeatedCalls,
  Verdict,
} from '../../core/gate/gated-provider.ts'
import { type CallExtra, requireCall, type ToolCall } from '../../core/gate/tool-call.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import type { CredentialState } from '../../core/model/credential-state.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parseOptions } from '../../core/model/options.ts'
import { type Owner, sameOwner, type User } from '../../core/model/owner.ts'
import { providerName } from '../../core/model/storage-key.ts'
import { defineVariables, type Variable, type VariablesOptions } from '../../core/model/variables.ts'
import type { KoaApplication } from '../../core/ports/koa.ts'
import type { CredentialVault, ProviderServices } from '../credential-vault.ts'
import { type CallReferences, createCallReferences } from './call-references.ts'
import { rejectedBy } from './call-rejections.ts'
import { callUser, otherOwner, runningCall } from './call-user.ts'
import {
  type AccountChoice,
  accountChoice,
  type CredentialsProviderOptions,
  credentialsProviderOptions,
} from './credentials-provider-options.ts'
import { createOutgoingRequests, type OutgoingRequests } from './outgoing-requests.ts'
import type { ProviderAccount, SharedByAccounts } from './provider-account.ts'
import { createProviderAccounts, type ProviderAccounts } from './provider-accounts.ts'
import { providerForm } from './provider-form.ts'
import { createProviderHandle, gateOf, type SharedByHandles } from './provider-handle.ts'
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
export class CredentialsProvider<const V extends VariablesOptions = VariablesOptions, const A extends string = never>
  implements GatedProvider
{
  readonly name: string
  readonly label: string
  readonly tokenTimeoutSeconds: number
  // Without V: what takes values would otherwise keep this provider from standing where any provider may.
  readonly #options: CredentialsProviderOptions<VariablesOptions>
  readonly #variables: readonly Variable[]
  readonly #outgoing: OutgoingRequests
  readonly #references: CallReferences
  readonly #accounts: ProviderAccounts
  readonly #handles: SharedByHandles
  #attached: { readonly vault: CredentialVault; readonly services: ProviderServices } | undefined
  #opening: Promise<void> | undefined

  constructor(options: CredentialsProviderOptions<V, A>) {
    const checked = parseOptions(credentialsProviderOptions, options, 'CredentialsProvider')
    this.name = checked.name
    this.label = checked.label ?? checked.name.charAt(0).toUpperCase() + checked.name.slice(1)
    this.tokenTimeoutSeconds = checked.tokenTimeoutSeconds
    this.#options = options as unknown as CredentialsProviderOptions<VariablesOptions>
    this.#variables = defineVariables(options.variables, 'CredentialsProvider.variables')
    this.#outgoing = createOutgoingRequests(this, this.#variables, this.#options)
    const { destinations, verify } = this.#outgoing
    const variables = this.#variables
    const names = [undefined, ...checked.accounts].map((account) => providerName(this.name, account))
    this.#references = createCallReferences(new Set(names), checked.referenceTtlSeconds)
    this.#accounts = createProviderAccounts(this, checked.accounts, this.#shared(), (name, label) =>
      providerForm({ name, label, service: this.label, variables, destinations, verify }, this.#options),
    )
    this.#handles = {
      variables,
      services: this.#ready,
      outgoing: this.#outgoing,
      rejectedWhen: rejectedBy(options.rejectedWhen),
      includeShort: options.guardShortSecrets ?? false,
    }
    if (options.vault) this.#attach(options.vault)
    else whenShared(options, (vault) => this.#attach(vault))
  }

  /** The vault, for its `bearerGate`, `endSessions` and `close`. Throws `configuration_invalid` before it is open. */
  get vault(): CredentialVault {
    return this.#open().vault
  }

  /** Opens the vault if this provider has none yet. In a form tier, also waits for the proof that this process cannot read. */
  async ready(): Promise<void> {
    if (!this.#attached) await this.#openOwnVault()
    await this.vault.proven?.()
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
   * @throws `configuration_invalid` (`reason: 'call_unknown'`) for anything else; `call_ended` once the handler of this provider's gate
   *   has ended, and for an `extra` that came through no such gate
   */
  getCredentials(extra: CallExtra, choice?: AccountChoice<A>): CredentialHandle<V> {
    const chosen = this.#choice(choice, 'getCredentials()')
    const toolCall = requireCall(extra, `getCredentials() of ${this.name}`)
    const passes = toolCall.passesOf(this)
    const pass = passes.at(-1)
    if (!pass || pass.hasEnded()) {
      throw new CredentialVaultError(
        'call_ended',
        `getCredentials() of ${this.name} works inside a handler that requireCredentials(${this.name}, …) gated, while its call runs.`,
      )
    }
    const account = chosen === undefined ? this.#accounts.passed(passes) : this.#accounts.chosen(chosen)
    const { call, id, signal } = pass
    const reference = () => this.#references.seal(this.#ready().sealer, account.keyOf(call), id)
    const isLive = () => !pass.hasEnded()
    const gate = gateOf(account, pass)
    return createProviderHandle<V>(this.#handles, { account, call, toolCall, signal, gate, reference, isLive })
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
    const { account } = opened
    const isOpen = () => this.#openReference(reference, owner) !== undefined
    const same = () => opened.reference
    if (extra === undefined) {
      const call = { user: opened.owner, correlationId: newCorrelationId() }
      return createProviderHandle<V>(this.#handles, { account, call, gate: 'none', reference: same, isLive: isOpen })
    }
    const { toolCall, pass, isGated } = runningCall(this, extra, 'resolve()')
    const { call, signal } = pass
    if (!sameOwner(call.user, opened.owner)) throw invalidReference()
    const isLive = () => !pass.hasEnded() && isOpen()
    const gate = isGated ? gateOf(account, pass) : 'none'
    return createProviderHandle<V>(this.#handles, { account, call, toolCall, signal, gate, reference: same, isLive })
  }

  /**
   * Revokes the owner's credential: the next call asks for it again. Resolves false when there was none. With `extra` the audit line names
   * that call, else an operator.
   *
   * @throws `configuration_invalid` (`reason: 'other_owner'`) for the `extra` of another person's call
   */
  async invalidateCredentials(owner: Owner, extra?: CallExtra, choice?: AccountChoice<A>): Promise<boolean> {
    const chosen = this.#choice(choice, 'invalidateCredentials()')
    const account = this.#accounts.chosen(chosen)
    await this.ready()
    const call = extra && runningCall(this, extra, 'invalidateCredentials()').pass.call
    if (call && !sameOwner(call.user, owner)) throw otherOwner(`invalidateCredentials() of ${this.name}`)
    const operator = { correlationId: newCorrelationId(), actor: { kind: 'operator' } } as const
    return this.#ready().revoke(account.key(owner), { purge: false }, call ? contextOf(call) : operator)
  }

  #choice(choice: AccountChoice<A> | undefined, method: string): string | undefined {
    if (choice === undefined) return undefined
    return parseOptions(accountChoice, choice, `${method} of ${this.name}`).account
  }

  userOf(authInfo: unknown): User | undefined {
    const ownerFrom = this.#options.ownerFrom ?? this.#ready().ownerFrom
    return callUser(authInfo, ownerFrom, this.#options.userContext)
  }

  assertionOf(user: User, authInfo: unknown): GatedCall['assertion'] {
    const { assertion } = this.#ready()
    return assertion && (() => assertion(user, authInfo))
  }

  /**
   * One of the declared accounts, for a gate.
   *
   * @throws `configuration_invalid` (`reason: 'account_unknown'`) for one that `accounts` does not declare
   */
  account(name: string): GatedProvider {
    return this.#accounts.chosen(name)
  }

  readonly drain = (): ProviderServices['drain'] => this.#ready().drain
  readonly repeatedCalls = (): RepeatedCalls => this.#accounts.unnamed.repeatedCalls()
  readonly expiryNotice = (call: GatedCall): Promise<string | undefined> => this.#accounts.unnamed.expiryNotice(call)
  readonly reportEcho = (call: GatedCall): Promise<void> => this.#accounts.unnamed.reportEcho(call)
  readonly processLog = (): ProcessLog => this.#accounts.unnamed.processLog()
  readonly versionOf = (call: GatedCall): Promise<string | undefined> => this.#accounts.unnamed.versionOf(call)

  credentialState(call: GatedCall): Promise<CredentialState> {
    return this.#accounts.unnamed.credentialState(call)
  }

  requestCredential(...given: Parameters<ProviderAccount['requestCredential']>): Promise<CredentialRequest> {
    return this.#accounts.unnamed.requestCredential(...given)
  }

  run<T>(call: GatedCall, toolCall: ToolCall, handler: (inside: ToolCall) => Promise<T>): Promise<T> {
    return this.#accounts.unnamed.run(call, toolCall, handler)
  }

  settle(call: GatedCall, error: unknown): Promise<Verdict> {
    return this.#accounts.unnamed.settle(call, error)
  }

  async #openOwnVault(): Promise<void> {
    const opening = async () => {
      const vault = await openProviderVault(this.#options)
      if (!this.#attached) this.#attach(vault)
    }
    this.#opening ??= opening()
    await this.#opening.catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
  }

  #attach(vault: CredentialVault): void {
    const end = () => this.#outgoing.close()
    const [services] = this.#accounts.all.map(({ form }) => vault.attach(form, end))
    if (services) this.#attached = { vault, services }
  }

  #shared(): Omit<SharedByAccounts, 'accounts'> {
    return {
      passKey: this,
      tokenTimeoutSeconds: this.tokenTimeoutSeconds,
      references: this.#references,
      services: this.#ready,
      serverBaseUrl: () => this.vault.serverBaseUrl,
      ready: () => this.ready(),
      userOf: (authInfo) => this.userOf(authInfo),
      assertionOf: (user, authInfo) => this.assertionOf(user, authInfo),
    }
  }

  #openReference(text: string, owner: Owner): (ReferenceContent & { readonly account: ProviderAccount }) | undefined {
    const content = this.#references.open(this.#ready().sealer, text, owner)
    const account = this.#accounts.all.find(({ name }) => name === content?.provider)
    return content && account && { ...content, account }
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
