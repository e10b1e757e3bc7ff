import type { AccessContext } from '../../core/credentials/credentials.ts'
import type { GatedCall } from '../../core/gate/gated-provider.ts'

/** What an access says of the tool call that it is for. */
export function contextOf({ user, clientName, tool, correlationId, assertion }: GatedCall): AccessContext {
  return {
    correlationId,
    ...(assertion && { assertion }),
    ...(user.clientId === undefined ? {} : { clientId: user.clientId }),
    ...(clientName === undefined ? {} : { clientName }),
    ...(tool === undefined ? {} : { tool }),
  }
}
