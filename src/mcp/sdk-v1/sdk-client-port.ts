import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { ClientPort } from '../../core/gate/client-port.ts'
import { requestTrace } from '../../core/telemetry/request-trace.ts'
import type { ToolExtra } from './tool-handler.ts'

/** Makes the client port of one call from the `extra` of SDK 1.x. */
export function sdkClientPort(server: Server, extra: ToolExtra): ClientPort {
  const progressToken = extra._meta?.progressToken
  // Without relatedRequestId the SDK would use a stream that the client may not have opened.
  const onCall = { relatedRequestId: extra.requestId }
  return {
    name: server.getClientVersion()?.name,
    ability: abilityOf(server),
    signal: extra.signal,
    trace: requestTrace({ meta: extra._meta, headers: extra.requestInfo?.headers }),
    progress:
      progressToken === undefined
        ? undefined
        : (progress, message) =>
            extra.sendNotification({ method: 'notifications/progress', params: { progressToken, progress, message } }),
    askByUrl: (question, { waitMilliseconds, signal }) =>
      server.elicitInput({ mode: 'url', ...question }, { ...onCall, timeout: waitMilliseconds, signal }).then(
        (result) => result.action,
        () => (signal.aborted ? 'accept' : 'failed'),
      ),
    notifyDone: async (elicitationId, stream) =>
      server.createElicitationCompletionNotifier(elicitationId, stream === 'call' ? onCall : undefined)(),
  }
}

function abilityOf(server: Server): ClientPort['ability'] {
  const declared = server.getClientCapabilities()
  if (!declared) return 'unknown'
  return declared.elicitation?.url ? 'url-elicitation' : 'no-url-elicitation'
}
