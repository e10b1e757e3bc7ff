import type { User } from '../model/owner.ts'
import type { AccessContext } from '../ports/access-context.ts'
import type { TraceContext } from '../ports/telemetry.ts'

/** What a client requests: `tools/call`, `prompts/get`, `resources/read` or `completion/complete`. */
export type CallKind = 'tool' | 'prompt' | 'resource' | 'completion'

/** One request of a client at a gate: a tool call, or a prompt, resource or completion. */
export interface GatedCall {
  readonly user: User
  /** Default `tool`. */
  readonly kind?: CallKind
  /** The MCP client's own name, which is not verified. */
  readonly clientName?: string | undefined
  /** The tool's name, for the form and the audit log; for another kind the kind, then its name if the gate knows one. */
  readonly tool?: string | undefined
  readonly correlationId: string
  /** The user's own JWT, for a backend that logs in as the user. */
  readonly assertion?: (() => Promise<string>) | undefined
  /** Where the call belongs in a trace. */
  readonly trace?: TraceContext | undefined
  /** Aborts when the client cancels the call or disconnects. */
  readonly signal?: AbortSignal | undefined
}

/** Returns how the form and the audit log name what was called, so that a prompt is told from a tool of the same name. */
export function callName(kind: CallKind, name: string | undefined): string | undefined {
  if (kind === 'tool') return name
  return name === undefined ? kind : `${kind} ${name}`
}

/** Completions run at each key that the user presses, so they neither ask nor make a link. */
export function isSilent({ kind }: GatedCall): boolean {
  return kind === 'completion'
}

/** Returns the facts about a tool call that its audit lines contain. */
export function contextOf({ user, clientName, tool, correlationId, assertion, trace }: GatedCall): AccessContext {
  // One literal without spreads, because each call makes several.
  return { correlationId, assertion, trace, clientId: user.clientId, clientName, tool }
}
