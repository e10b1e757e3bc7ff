import { AsyncLocalStorage } from 'node:async_hooks'
import type Koa from 'koa'
import { contextOf } from './access-context.ts'
import { type CallEnd, callEnd } from './call-end.ts'
import { type CredentialHandle, createHandle } from './core/credential-handle.ts'
import {
  type CredentialReference,
  invalidReference,
  openReference,
  type ReferenceContent,
  sealReference,
} from './core/credential-reference.ts'
import { newCorrelationId } from './core/credentials.ts'
import { createEchoGuard, type EchoGuard } from './core/echo-guard.ts'
import { CredentialVaultError } from './core/errors.ts'
import type { CredentialRequest, EchoCheck, GatedCall, GatedProvider } from './core/gated-provider.ts'
import { parseOptions } from './core/options.ts'
import type { Owner, User } from './core/owner.ts'
import type { NewRequest } from './core/pending-requests.ts'
import { type StorageKey, storageKey } from './core/storage-key.ts'
import { defineVariables, type Variable, type VariablesOptions } from './core/variables.ts'
import type { CredentialVault, ProviderServices } from './credential-vault.ts'
import { type CredentialsProviderOptions, credentialsProviderOptions } from './credentials-provider-options.ts'
import { type Destination, defineDestinations } from './destinations/destination.ts'
import { formUrl } from './form-url.ts'
import { createOutgoingRequests, type OutgoingRequests } from './outgoing-requests.ts'
import { providerForm } from './provider-form.ts'
import { openProviderVault, whenShared } from './provider-vault.ts'
import type { FormProvider } from './web/form-provider.ts'

/** A reference without a time of its own ends with its call; this bounds what a lost process leaves behind. */
const LONGEST_CALL_SECONDS = 24 * 3600

/** The gated call that is running, as its handler's `getCredentials()` finds it. */
interface RunningCall {
  readonly call: GatedCall
  readonly id: string
  readonly guard: EchoGuard
  readonly end: CallEnd
}

/**
 * One service whose credential is collected from each user, kept in the vault, and handed to gated tools.
 *
 * Synchronous to make; `await provider.ready()` opens what is not yet open, and the gate and routes do so by themselves.
 *
 * @throws `configuration_invalid` from the constructor, naming the option's path
 */
export class CredentialsProvider<const V extends VariablesOptions = VariablesOptions> implements GatedProvider {
  readonly name: string
  readonly label: string
  readonly tokenTimeoutSeconds: number
  // Without V: what takes values would otherwise keep this provider from standing where any provider may.
  readonly #options: CredentialsProviderOptions<VariablesOptions>
  readonly #variables: readonly Variable[]
  readonly #outgoing: OutgoingRequests
  readonly #destinations: readonly Destination[]
  readonly #calls = new AsyncLocalStorage<RunningCall>()
  readonly #live = new Set<string>()
  #attached: { readonly vault: CredentialVault; readonly services: ProviderServices } | undefined
  #opening: Promise<void> | undefined

  constructor(options: CredentialsProviderOptions<V>) {
    const checked = parseOptions(credentialsProviderOptions, options, 'CredentialsProvider')
    this.name = checked.name
    this.label = checked.label ?? checked.name.charAt(0).toUpperCase() + checked.name.slice(1)
    this.tokenTimeoutSeconds = checked.tokenTimeoutSeconds
    this.#options = options as unknown as CredentialsProviderOptions<VariablesOptions>
    this.#variables = defineVariables(options.variables, 'CredentialsProvider.variables')
    this.#destinations = defineDestinations(
      this.#options.destinations ?? [],
      this.#variables,
      'CredentialsProvider.destinations',
    )
    this.#outgoing = createOutgoingRequests(this.name, this.#destinations)
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
  register(app: Koa): void {
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
   * The credential of the gated call that is running, as a handle that holds no values.
   *
   * @throws `call_ended` outside a gated handler
   */
  getCredentials(): CredentialHandle<V> {
    const running = this.#calls.getStore()
    if (!running || !this.#live.has(running.id)) {
      throw new CredentialVaultError(
        'call_ended',
        `getCredentials() of ${this.name} works inside a handler that requireCredentials() gated, while its call runs.`,
      )
    }
    const { call, id } = running
    const key = this.#key(call.user)
    const { owner } = key
    const ttl = this.#options.referenceTtlSeconds
    const reference = () =>
      sealReference(
        this.#ready().sealer,
        { provider: this.name, owner, ...(ttl === undefined ? { call: id } : {}) },
        Date.now() + (ttl ?? LONGEST_CALL_SECONDS) * 1000,
      )
    return this.#handle(reference, key, running, () => this.#live.has(id))
  }

  /**
   * Turns a reference back into a handle, for the owner that it was made for.
   *
   * @throws `reference_invalid` for another owner or provider, and for an expired, ended or changed reference: always the same error
   */
  resolve(reference: string, owner: Owner): CredentialHandle<V> {
    const opened = this.#openReference(reference, owner)
    if (!opened) throw invalidReference()
    const call = { user: opened.owner, correlationId: newCorrelationId() }
    const running = this.#calls.getStore() ?? { call }
    return this.#handle(
      () => opened.reference,
      this.#key(opened.owner),
      running,
      () => this.#openReference(reference, owner) !== undefined,
    )
  }

  /** Revokes the owner's credential: the next call asks for it again. Resolves false when there was none. */
  async invalidateCredentials(owner: Owner): Promise<boolean> {
    await this.ready()
    const running = this.#calls.getStore()
    const context = running
      ? contextOf(running.call)
      : ({ correlationId: newCorrelationId(), actor: { kind: 'operator' } } as const)
    return this.#ready().credentials.revoke(this.#key(owner), { purge: false }, context)
  }

  userOf(authInfo: unknown): User | undefined {
    if (this.#options.userContext) return this.#options.userContext.getStore()
    return (this.#options.ownerFrom ?? this.#ready().ownerFrom)(authInfo)
  }

  assertionOf(user: User, authInfo: unknown): GatedCall['assertion'] {
    const { assertion } = this.#ready()
    return assertion && (() => assertion(user, authInfo))
  }

  async credentialState(call: GatedCall): Promise<'active' | 'absent' | 'revoked'> {
    return (await this.#ready().credentials.status(this.#key(call.user), call)).status
  }

  async requestCredential(
    call: GatedCall,
    cause: NewRequest['cause'],
    { waits }: { readonly waits: boolean } = { waits: false },
  ): Promise<CredentialRequest> {
    const { pendingRequests, credentials } = this.#ready()
    const { user, clientName, tool } = call
    const request = await pendingRequests.openOrReuse({ provider: this.name, user, clientName, tool, cause }, { waits })
    try {
      const label = pendingRequests.label(request)
      await credentials.record(
        this.#key(user),
        { ...contextOf(call), request: label },
        { type: 'credential.requested', outcome: 'success', reason: cause },
      )
    } catch (error) {
      await pendingRequests.leave(request)
      throw error
    }
    const hasCredential = async () => (await this.credentialState(call)) === 'active'
    return {
      request,
      url: formUrl(this.vault.serverBaseUrl, this.name, request.handle),
      wait: async (signal) => {
        const end = await pendingRequests.wait(request, hasCredential, signal)
        // It may have been saved on another replica.
        if (end === 'saved') credentials.forget(this.#key(user))
        return end
      },
      mayWait: request.waiterId !== undefined,
      leave: () => pendingRequests.leave(request),
      withdraw: async () => void (await pendingRequests.withdraw(request)),
    }
  }

  async run<T>(call: GatedCall, handler: (echo: EchoCheck) => Promise<T>): Promise<T> {
    const guard = createEchoGuard({ includeShort: this.#options.guardShortSecrets ?? false })
    const id = newCorrelationId()
    const end = callEnd(this.name, call.signal)
    this.#live.add(id)
    try {
      return await this.#calls.run({ call, id, guard, end }, () => handler(guard))
    } finally {
      this.#live.delete(id)
      end.reached()
    }
  }

  async reportEcho(call: GatedCall): Promise<void> {
    const event = { type: 'credential.echoed', outcome: 'denied' } as const
    await this.#ready().credentials.record(this.#key(call.user), contextOf(call), event)
  }

  #attach(vault: CredentialVault): void {
    const save: FormProvider['save'] = async (owner, values, context, mayWrite) => {
      await this.#ready().credentials.save(this.#key(owner), values, context, mayWrite)
    }
    const services = vault.attach(
      providerForm({
        name: this.name,
        label: this.label,
        variables: this.#variables,
        doc: this.#options.doc,
        destinations: this.#destinations,
        verify: this.#options.verify,
        save,
      }),
      () => this.#outgoing.close(),
    )
    this.#attached = { vault, services }
  }

  #openReference(text: string, owner: Owner): ReferenceContent | undefined {
    const content = openReference(this.#ready().sealer, text, this.name, owner)
    return content && (content.call === undefined || this.#live.has(content.call)) ? content : undefined
  }

  #handle(
    reference: () => CredentialReference,
    key: StorageKey,
    // Of the call that asked, whatever runs use() later: a queue or pool has another call's context, or none.
    { call, guard, end }: Pick<RunningCall, 'call'> & Partial<RunningCall>,
    isLive: () => boolean,
  ): CredentialHandle<V> {
    return createHandle<V>({
      provider: this.name,
      reference,
      isLive,
      release: async (options) => {
        const values = await this.#ready().credentials.release(key, this.#variables, contextOf(call), options)
        guard?.add(this.#variables, values)
        return values
      },
      send: (...request) => this.#outgoing.send(this.#ready(), { key, call, signal: end?.signal }, ...request),
      refused: (refusal) => this.#ready().credentials.note(key, contextOf(call), refusal),
    })
  }

  #key(owner: Owner): StorageKey {
    return storageKey(this.name, owner)
  }

  #ready(): ProviderServices {
    return this.#open().services
  }

  #open(): { readonly vault: CredentialVault; readonly services: ProviderServices } {
    if (this.#attached) return this.#attached
    throw new CredentialVaultError(
      'configuration_invalid',
      `The vault of ${this.name} is not open yet. Await provider.ready() first.`,
      { reason: 'not_ready' },
    )
  }
}
