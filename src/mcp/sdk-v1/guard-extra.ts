import { CredentialVaultError } from '../../core/errors.ts'
import type { EchoCheck } from '../../core/gated-provider.ts'
import type { ToolExtra } from './credential-gate.ts'

/** The handler's `extra`, with everything that it can send to the client searched for the secret first. */
export function guardExtra(extra: ToolExtra, echo: EchoCheck): ToolExtra {
  const refuseEcho = (message: unknown): void => {
    if (!echo.finds(message)) return
    throw new CredentialVaultError('secret_echoed', 'A message to the client contained the secret and was not sent.')
  }
  return {
    ...extra,
    sendNotification: async (notification) => {
      refuseEcho(notification)
      await extra.sendNotification(notification)
    },
    sendRequest: async (request, schema, options) => {
      refuseEcho(request)
      return extra.sendRequest(request, schema, options)
    },
  }
}
