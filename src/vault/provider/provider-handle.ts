import { type CredentialHandle, createHandle } from '../../core/credentials/credential-handle.ts'
import type { CredentialReference } from '../../core/credentials/credential-reference.ts'
import type { GatedCall } from '../../core/gate/gated-call.ts'
import { contextOf } from '../../core/gate/gated-call.ts'
import type { GatePass, ToolCall } from '../../core/gate/tool-call.ts'
import { refusalEvent } from '../../core/journal/refusal-event.ts'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { missing } from '../../core/model/stored-values.ts'
import type { Variable, VariablesOptions } from '../../core/model/variables.ts'
import type { ProviderServices } from '../credential-vault.ts'
import type { RejectedWhen } from './credentials-provider-options.ts'
import type { OutgoingRequests } from './outgoing-requests.ts'
import type { ProviderAccount } from './provider-account.ts'

/** What the handles of one provider have in common. */
export interface SharedByHandles {
  readonly variables: readonly Variable[]
  readonly services: () => Pick<ProviderServices, 'reader' | 'log' | 'crossings' | 'rejections' | 'warn'>
  readonly rejectedWhen: RejectedWhen
  readonly outgoing: OutgoingRequests
  /** Also search for secrets of fewer than 8 bytes. */
  readonly includeShort: boolean
}

/** What a handle is bound to: who called, and the call whose answer is searched for what the handle releases. */
export interface HandleCall {
  readonly account: Pick<ProviderAccount, 'keyOf' | 'rejections' | 'credentialState' | 'hasPassed' | 'echoSource'>
  readonly call: GatedCall
  readonly toolCall?: ToolCall
  /** Ends the requests that the handle has begun. */
  readonly signal?: () => AbortSignal
  /** The gate that waits for the call's handler and settles its rejection afterwards: `own` if it is this account's. */
  readonly gate: 'own' | 'other-account' | 'none'
  readonly reference: () => CredentialReference
  readonly isLive: () => boolean
}

/** Binds a handle to one owner's credential and to the call that asked for it, whatever runs `use()` later. */
export function createProviderHandle<V extends VariablesOptions>(
  { variables, services, rejectedWhen, outgoing, includeShort }: SharedByHandles,
  { account, call, toolCall, signal, gate, reference, isLive }: HandleCall,
): CredentialHandle<V> {
  const { rejections } = account
  const key = account.keyOf(call)
  const source = account.echoSource(call)

  /** A gate has looked at its own account, not at one that the handler chose. Without a gate, any time may pass between two releases. */
  async function checkState(): Promise<void> {
    if (gate !== 'none' && account.hasPassed(call)) return
    const state = await account.credentialState(call)
    // The reader refuses the other states itself.
    if (state !== 'expired' && state !== 'incomplete') return
    const error = missing(state, key.provider)
    await services().log.note(key, contextOf(call), refusalEvent(error))
    throw error
  }

  return createHandle<V>({
    provider: key.provider,
    reference,
    isLive,
    async release(options) {
      await checkState()
      const { reader, crossings } = services()
      const released = await reader.release(key, variables, contextOf(call), options).catch((error: unknown) => {
        // A handler may go on without an account that was never in use during the call, and then has a good answer.
        const wasInUse = gate === 'own' || account.hasPassed(call)
        if (wasInUse && isCredentialVaultError(error, 'credential_rejected')) rejections.foundRejected(call)
        throw error
      })
      crossings.released(key, variables, released.values)
      toolCall?.guard.add(variables, released.values, { includeShort, source })
      rejections.released(call, released.version)
      return released
    },
    send: (...request) => outgoing.send(services(), { key, call, signal: signal?.() }, ...request),
    refused: (refusal) => services().log.note(key, contextOf(call), refusal),
    rejectedBy: rejectedWhen,
    async reject(answer) {
      const rejection = rejections.reject(call, answer)
      if (rejection && gate === 'none') await services().rejections.settle(key, rejection, contextOf(call))
    },
  })
}

/** Whether the account is the one that the gate found connected. */
export function gateOf({ name }: Pick<ProviderAccount, 'name'>, pass: GatePass): HandleCall['gate'] {
  return pass.provider === name ? 'own' : 'other-account'
}
