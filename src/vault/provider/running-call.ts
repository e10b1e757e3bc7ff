import { type CallExtra, type GatePass, requireCall, type ToolCall } from '../../core/gate/tool-call.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'

/**
 * Returns the running call that `extra` belongs to: as it passed this provider's gate, else as it passed the outermost one.
 *
 * @throws `configuration_invalid` (`reason: 'call_unknown'`) for anything that no gate handed out; `call_ended` once the call has answered
 */
export function runningCall(
  provider: { readonly name: string },
  extra: CallExtra,
  method: string,
): GatePass & { readonly toolCall: ToolCall } {
  const toolCall = requireCall(extra, `${method} of ${provider.name}`)
  const pass = toolCall.passOf(provider) ?? toolCall.outermost()
  if (!pass) throw new CredentialVaultError('call_ended', `${method} of ${provider.name}: its call has ended.`)
  return { ...pass, toolCall }
}
