import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { ClientPort } from '../../core/gate/client-port.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import { type ClientQuirk, hasQuirk } from '../adapter/client-quirks.ts'
import { abilityOf, RequestsOnCall } from '../adapter/requests-on-call.ts'
import type { ToolExtra } from './tool-handler.ts'

/** Makes the client port of one call from the `extra` of SDK 1.x. */
export function sdkClientPort(server: Server, extra: ToolExtra, quirks: readonly ClientQuirk[]): ClientPort {
  const progressToken = extra._meta?.progressToken
  const info = server.getClientVersion()
  return Object.assign(new RequestsOnCall(server, extra.requestId), {
    name: info?.name,
    ability: abilityOf(server.getClientCapabilities(), hasQuirk(quirks, info)),
    signal: extra.signal,
    trace: requestTrace({ meta: extra._meta, headers: extra.requestInfo?.headers }),
    progress:
      progressToken === undefined
        ? undefined
        : (progress: number, message: string) =>
            extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, message } }),
  })
}
