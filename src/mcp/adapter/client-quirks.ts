import { z } from 'zod'
import type { OptionSchemas } from '../../core/model/options.ts'

/** A client that can do more than it declares. A client's name and version are its own claim: anyone can send them. */
export interface ClientQuirk {
  /** The `name` in the client's `clientInfo`, exactly. */
  readonly client: string
  /** First version that has the quirk, such as `2.1.108`. Default: every version before `before`. */
  readonly from?: string | undefined
  /** First version that does not have it. Default: none is known. */
  readonly before?: string | undefined
  /** Revision of MCP. Later revisions have no error -32042, and a 2.x server refuses to send them an undeclared mode. */
  readonly era: '2025-11-25'
  /** What the client does without declaring it: it shows the link of error -32042. */
  readonly handles: 'url-error'
  /** Address of the thread that reports it. */
  readonly evidence: string
  /** When the thread was read, `YYYY-MM-DD`. */
  readonly date: string
}

const version = z.string().regex(/^\d{1,9}(\.\d{1,9}){0,5}$/, 'must be a version such as 2.1.108')

const clientQuirk = z.strictObject({
  client: z.string().min(1).max(128),
  from: version.optional(),
  before: version.optional(),
  era: z.literal('2025-11-25'),
  handles: z.literal('url-error'),
  evidence: z.url({ protocol: /^https$/ }),
  date: z.iso.date(),
} satisfies OptionSchemas<ClientQuirk>)

/** Options of `credentialGate`. */
export interface CredentialGateOptions {
  /**
   * Clients that can do more than they declare, of {@link knownClientQuirks} or your own. A client that matches gets error -32042 with the
   * link instead of a text with the link. Default: none, since MCP forbids a mode that the client did not declare.
   */
  readonly clientQuirks?: readonly ClientQuirk[]
}

export const credentialGateOptions = z.strictObject({
  clientQuirks: z.array(clientQuirk).default([]),
} satisfies OptionSchemas<CredentialGateOptions>)

/**
 * The quirks that public threads report. None is in force until you pass it to `credentialGate`.
 *
 * @example
 * ```ts
 * import { credentialGate, knownClientQuirks } from 'mcp-credential-vault/mcp/sdk-v1'
 *
 * const requireCredentials = credentialGate(server, { clientQuirks: [knownClientQuirks.claudeCode] })
 * ```
 */
export const knownClientQuirks = {
  /** Declares `elicitation: {}`, which means forms only, and opens the link of error -32042. */
  claudeCode: {
    client: 'claude-code',
    from: '2.1.108',
    era: '2025-11-25',
    handles: 'url-error',
    evidence: 'https://github.com/ascending-llc/jarvis-registry/pull/572',
    date: '2026-11-28',
  },
} as const satisfies Readonly<Record<string, ClientQuirk>>

/** What a client says of itself in `initialize`. */
interface ClientInfo {
  readonly name: string
  readonly version: string
}

/** Whether one of the quirks is this client's. */
export function hasQuirk(quirks: readonly ClientQuirk[], info: ClientInfo | undefined): boolean {
  if (info === undefined || quirks.length === 0) return false
  const numbers = numbersOf(info.version)
  return quirks.some(
    ({ client, from, before }) =>
      client === info.name &&
      (from === undefined || (numbers !== undefined && compared(numbers, numbersOf(from)) >= 0)) &&
      (before === undefined || (numbers !== undefined && compared(numbers, numbersOf(before)) < 0)),
  )
}

/** Returns the numbers that a version begins with, or undefined for text that begins with none. */
function numbersOf(text: string): readonly number[] | undefined {
  const [leading] = /^\d{1,9}(\.\d{1,9}){0,5}/.exec(text) ?? []
  return leading?.split('.').map(Number)
}

function compared(one: readonly number[], other: readonly number[] = []): number {
  const length = Math.max(one.length, other.length)
  for (let at = 0; at < length; at += 1) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
