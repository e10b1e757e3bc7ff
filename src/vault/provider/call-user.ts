import type { AsyncLocalStorage } from 'node:async_hooks'
import { type CallExtra, type GatePass, requireCall, type ToolCall } from '../../core/gate/tool-call.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { sameOwner, twoUsers, type User } from '../../core/model/owner.ts'
import type { OwnerFrom } from '../parts/owner-from-auth-info.ts'

/**
 * Returns the user of a call. The user that a verifier left on the request always counts. The ambient `userContext` counts alone only if
 * the request has no `authInfo`, because behind a queue in front of the gate it belongs to another call.
 *
 * @returns undefined if no person is named
 * @throws `owner_unknown` if the request and `userContext` name two people, or only `userContext` names one although the request has an
 *   `authInfo`
 */
export function callUser(
  authInfo: unknown,
  ownerFrom: OwnerFrom,
  userContext: AsyncLocalStorage<User> | undefined,
): User | undefined {
  const named = ownerFrom(authInfo)
  const ambient = userContext?.getStore()
  if (!ambient) return named
  if (authInfo === undefined) return ambient
  if (!named) {
    throw new CredentialVaultError(
      'owner_unknown',
      "userContext names a user, but the request's own authInfo names none. Set ownerFrom to a function that reads the owner from " +
        'the authInfo that your verifier returns.',
      { reason: 'auth_info_without_owner' },
    )
  }
  if (sameOwner(named, ambient)) return { ...ambient, ...named }
  throw twoUsers()
}

/** Returns the error for an owner other than the user of the call that `extra` belongs to. */
export function otherOwner(method: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${method}: the owner is not the user of the call that extra belongs to. To act as an operator, leave extra out.`,
    { reason: 'other_owner' },
  )
}

export interface RunningCall {
  readonly toolCall: ToolCall
  readonly pass: GatePass
  /** Whether the pass is of the provider's own gate. */
  readonly isGated: boolean
}

/**
 * Returns the running call that `extra` belongs to: as it passed the provider's innermost gate, else as it passed the outermost one of all.
 *
 * @throws `configuration_invalid` (`reason: 'call_unknown'`) for anything that no gate handed out; `call_ended` once the call has answered
 */
export function runningCall(provider: { readonly name: string }, extra: CallExtra, method: string): RunningCall {
  const toolCall = requireCall(extra, `${method} of ${provider.name}`)
  const own = toolCall.passesOf(provider).at(-1)
  const pass = own ?? toolCall.outermost()
  if (!pass || pass.hasEnded())
    throw new CredentialVaultError('call_ended', `${method} of ${provider.name}: its call has ended.`)
  return { toolCall, pass, isGated: own !== undefined }
}
