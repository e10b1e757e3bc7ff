import type { User } from '../model/owner.ts'
import type { AccessContext } from '../ports/access-context.ts'

/** One tool call in front of the gate. */
export interface GatedCall {
  readonly user: User
  /** As the MCP client calls itself; unverified. */
  readonly clientName?: string | undefined
  readonly tool?: string | undefined
  readonly correlationId: string
  /** The user's own JWT, for a backend that logs in as the user. */
  readonly assertion?: (() => Promise<string>) | undefined
  /** Aborts when the client cancels the call or is gone. */
  readonly signal?: AbortSignal | undefined
}

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
