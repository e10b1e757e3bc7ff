import type { EchoSource } from '../../core/echo-guard/echo-guard.ts'
import { contextOf, type GatedCall } from '../../core/gate/gated-call.ts'
import type {
  CredentialRequest,
  GatedProvider,
  ProcessLog,
  RepeatedCalls,
  Verdict,
} from '../../core/gate/gated-provider.ts'
import type { ToolCall } from '../../core/gate/tool-call.ts'
import { allDone } from '../../core/host/all-done.ts'
import type { Drain } from '../../core/host/drain.ts'
import { currentState } from '../../core/lifecycle/state-of.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import type { CredentialState, RequestCause } from '../../core/model/credential-state.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { Owner, User } from '../../core/model/owner.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import { unusableCause } from '../../core/model/stored-values.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { CredentialStatus } from '../../core/ports/secret-backend.ts'
import type { ProviderServices } from '../credential-vault.ts'
import { CallEnd } from './call-end.ts'
import type { CallReferences } from './call-references.ts'
import { createCallRejections } from './call-rejections.ts'
import { openCredentialRequest, type RequestParts, resumeCredentialRequest } from './credential-request.ts'

/** What the accounts of one provider have in common. */
export interface SharedByAccounts
  extends Pick<GatedProvider, 'tokenTimeoutSeconds' | 'ready' | 'userOf' | 'assertionOf'> {
  /** The object under which a call keeps the provider's passes. */
  readonly passKey: object
  readonly references: CallReferences
  readonly services: () => ProviderServices
  readonly serverBaseUrl: () => URL
  /** All accounts, the unnamed one first. */
  readonly accounts: () => Iterable<ProviderAccount>
}

/**
 * One account at a service: a form, a storage key and a state of its own, under a name of its own such as `jira@work`. The account without
 * a name has the provider's.
 */
export class ProviderAccount implements GatedProvider {
  readonly name: string
  readonly label: string
  readonly tokenTimeoutSeconds: number
  readonly form: FormProvider
  readonly rejections = createCallRejections()
  readonly #provider: SharedByAccounts
  readonly #calls = new WeakMap<GatedCall, KnownCall>()

  constructor(provider: SharedByAccounts, form: FormProvider) {
    this.#provider = provider
    this.form = form
    this.name = form.name
    this.label = form.label
    this.tokenTimeoutSeconds = provider.tokenTimeoutSeconds
  }

  key(owner: Owner): StorageKey {
    return storageKey(this.name, owner)
  }

  /** The key of the call's own user. */
  keyOf(call: GatedCall): StorageKey {
    return this.#known(call).key
  }

  ready(): Promise<void> {
    return this.#provider.ready()
  }

  userOf(authInfo: unknown): User | undefined {
    return this.#provider.userOf(authInfo)
  }

  assertionOf(user: User, authInfo: unknown): GatedCall['assertion'] {
    return this.#provider.assertionOf(user, authInfo)
  }

  drain(): Drain {
    return this.#provider.services().drain
  }

  async credentialState(call: GatedCall): Promise<CredentialState> {
    const { reader } = this.#provider.services()
    const known = this.#known(call)
    const { state, status } = await currentState(reader, known.key, this.form, call)
    if (state === 'active') known.passedWith = status
    return state
  }

  async versionOf(call: GatedCall): Promise<string | undefined> {
    // A credential that the call had to ask for has not been seen yet.
    if (!this.hasPassed(call)) await this.credentialState(call)
    const status = this.#known(call).passedWith
    return status?.status === 'active' ? status.version.ref : undefined
  }

  /** Whether the call has found this account's credential in use. */
  hasPassed(call: GatedCall): boolean {
    return this.#calls.get(call)?.passedWith !== undefined
  }

  requestCredential(
    call: GatedCall,
    cause: RequestCause,
    { waits }: { readonly waits: boolean } = { waits: false },
  ): Promise<CredentialRequest> {
    return openCredentialRequest({ ...this.#requestParts(call), cause, waits })
  }

  repeatedCalls(): RepeatedCalls {
    const { sealer } = this.#provider.services()
    return {
      seal: (state, expiresAt, binding) => sealer.seal('call-state', state, expiresAt, binding),
      open: (sealed, binding) => sealer.open('call-state', sealed, binding),
      resume: (call, handle, { waits }) => resumeCredentialRequest({ ...this.#requestParts(call), handle, waits }),
    }
  }

  async run<T>(call: GatedCall, toolCall: ToolCall, handler: (inside: ToolCall) => Promise<T>): Promise<T> {
    const { passKey, references, services } = this.#provider
    const id = newCorrelationId()
    const end = new CallEnd(this.name, call.signal)
    references.begin(id)
    const pass = { call, id, provider: this.name, signal: end.signal, hasEnded: end.isOver }
    const begun = services().cutoff.begin(call.user, end.reached)
    try {
      const result = await handler(toolCall.behind(passKey, pass))
      const { arguments: clientArguments } = toolCall
      services().crossings.answered({ key: this.keyOf(call), context: () => contextOf(call), result, clientArguments })
      return result
    } finally {
      references.end(id)
      begun.end()
      end.reached()
    }
  }

  async settle(call: GatedCall, error: unknown): Promise<Verdict> {
    const rejected = [...this.#provider.accounts()].filter(({ rejections }) => rejections.has(call))
    const ends = await allDone(rejected.map((account) => account.#settleRejection(call)))
    // What stopped the handler comes first: it has no answer of its own then.
    return (
      this.#lacked(error) ??
      ends.find((end) => typeof end === 'object') ??
      ends.find((end) => end === 'replaced') ??
      'kept'
    )
  }

  async expiryNotice(call: GatedCall): Promise<string | undefined> {
    // A credential that the call had to ask for has not been seen yet.
    if (!this.hasPassed(call)) await this.credentialState(call)
    for (const account of this.#provider.accounts()) {
      const notice = await account.#noticeFor(call)
      if (notice !== undefined) return notice
    }
    return undefined
  }

  /** The account as the source of a secret that it released to the call. */
  echoSource(call: GatedCall): EchoSource {
    return { provider: this.name, label: this.label, report: () => this.reportEcho(call) }
  }

  async reportEcho(call: GatedCall): Promise<void> {
    const event = { type: 'credential.echoed', outcome: 'denied' } as const
    await this.#provider.services().log.grant(this.keyOf(call), contextOf(call), event)
  }

  processLog(): ProcessLog {
    const { log } = this.#provider.services()
    return {
      injected: async (call, process) => {
        const key = this.key(call.user)
        const context = contextOf(call)
        const line = { outcome: 'success', ...process } as const
        await log.grant(key, context, { type: 'credential.injected', ...line })
        return {
          started: () => log.note(key, context, { type: 'child.started', ...line }),
          ended: (reason) => log.note(key, context, { type: 'child.ended', ...line, reason }),
        }
      },
    }
  }

  #requestParts(call: GatedCall): RequestParts {
    const { services, serverBaseUrl } = this.#provider
    const hasCredential = async (since?: number) => {
      if (since !== undefined) services().reader.refresh(this.keyOf(call), since)
      return (await this.credentialState(call)) === 'active'
    }
    return { services: services(), key: this.keyOf(call), call, serverBaseUrl: serverBaseUrl(), hasCredential }
  }

  async #settleRejection(call: GatedCall): Promise<Verdict> {
    const rejection = this.rejections.take(call)
    if (!rejection) return 'kept'
    this.#known(call).passedWith = undefined
    const end = await this.#provider.services().rejections.settle(this.keyOf(call), rejection, contextOf(call))
    return end === 'kept' || end === 'replaced' ? end : { cause: end, provider: this }
  }

  /** Finds another account that the handler chose and its owner has not connected: the gate has looked at its own account only. */
  #lacked(error: unknown): Verdict | undefined {
    const cause = unusableCause(error)
    if (cause === undefined || !isCredentialVaultError(error)) return undefined
    for (const account of this.#provider.accounts())
      if (account !== this && account.name === error.provider) return { cause, provider: account }
    return undefined
  }

  async #noticeFor(call: GatedCall): Promise<string | undefined> {
    const status = this.#calls.get(call)?.passedWith
    if (!status) return undefined
    return this.#provider.services().expiryNotices.noticeFor(this.keyOf(call), this.label, status, call)
  }

  #known(call: GatedCall): KnownCall {
    const known = this.#calls.get(call)
    if (known) return known
    const begun = { key: this.key(call.user), passedWith: undefined }
    this.#calls.set(call, begun)
    return begun
  }
}

/** What an account keeps of a call, so that nothing is looked up twice. */
interface KnownCall {
  readonly key: StorageKey
  /** The status with which the call passed, for a notice about its expiry. Undefined before, and after a rejection. */
  passedWith: CredentialStatus | undefined
}
