import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { ClientPort } from '../../core/gate/client-port.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import { type ClientQuirk, hasQuirk } from '../adapter/client-quirks.ts'
import { abilityOf, requestsOnCall } from '../adapter/requests-on-call.ts'
import type { ToolExtra } from './tool-handler.ts'

/** Makes the client port of one call from the `extra` of SDK 1.x. */
export function sdkClientPort(server: Server, extra: ToolExtra, quirks: readonly ClientQuirk[]): ClientPort {
  const progressToken = extra._meta?.progressToken
  const info = server.getClientVersion()
  const { askByUrl, notifyDone } = requestsOnCall(server, extra.requestId)
  return {
    name: info?.name,
    ability: abilityOf(server.getClientCapabilities(), hasQuirk(quirks, info)),
    signal: extra.signal,
    trace: requestTrace({ meta: extra._meta, headers: extra.requestInfo?.headers }),
    progress:
      progressToken === undefined
        ? undefined
        : (progress, message) =>
            extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, message } }),
    askByUrl,
    notifyDone,
  }
}
