import type { User } from '../model/owner.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { TraceContext } from '../ports/telemetry.ts'

/** One tool call at a gate. */
export interface GatedCall {
  readonly user: User
  /** The MCP client's own name, which is not verified. */
  readonly clientName?: string | undefined
  readonly tool?: string | undefined
  readonly correlationId: string
  /** The user's own JWT, for a backend that logs in as the user. */
  readonly assertion?: (() => Promise<string>) | undefined
  /** Where the call belongs in a trace. */
  readonly trace?: TraceContext | undefined
  /** Aborts when the client cancels the call or disconnects. */
  readonly signal?: AbortSignal | undefined
}

/** Returns the facts about a tool call that its audit lines contain. */
export function contextOf({ user, clientName, tool, correlationId, assertion, trace }: GatedCall): AccessContext {
  return {
    correlationId,
    ...(assertion && { assertion }),
    ...(trace && { trace }),
    ...(user.clientId === undefined ? {} : { clientId: user.clientId }),
    ...(clientName === undefined ? {} : { clientName }),
    ...(tool === undefined ? {} : { tool }),
  }
}
