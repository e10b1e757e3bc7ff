import type { ServerNotification } from '@modelcontextprotocol/sdk/types.js'
import { CredentialVaultError } from '../../core/errors.ts'
import type { EchoCheck } from '../../core/gated-provider.ts'
import type { ToolExtra } from './tool-handler.ts'

export interface ExtraGuard {
  readonly echo: EchoCheck
  /** Records that something was withheld. */
  readonly report: () => Promise<void>
  readonly heartbeats: number
}

/** The handler's `extra`, with everything that it can send to the client searched for the secret first. */
export function guardExtra(extra: ToolExtra, { echo, report, heartbeats }: ExtraGuard): ToolExtra {
  const refuseEcho = async (message: unknown): Promise<void> => {
    if (!echo.finds(message)) return
    await report()
    throw new CredentialVaultError('secret_echoed', 'A message to the client contained the secret and was not sent.')
  }
  return {
    ...extra,
    sendNotification: (notification) =>
      heard(refuseEcho(notification).then(() => extra.sendNotification(afterHeartbeats(notification, heartbeats)))),
    sendRequest: (request, schema, options) =>
      heard(refuseEcho(request).then(() => extra.sendRequest(request, schema, options))),
  }
}

/** A handler that does not wait for its messages must not end the process with one that was refused. */
function heard<T>(sent: Promise<T>): Promise<T> {
  sent.catch(() => {})
  return sent
}

// Progress has to increase with each notification of a token (MCP 2025-11-25, progress), and the wait has used some of it.
function afterHeartbeats(notification: ServerNotification, heartbeats: number): ServerNotification {
  if (heartbeats === 0 || notification.method !== 'notifications/progress') return notification
  const { progress, total } = notification.params
  const moved = { progress: progress + heartbeats, ...(total === undefined ? {} : { total: total + heartbeats }) }
  return { ...notification, params: { ...notification.params, ...moved } }
}
