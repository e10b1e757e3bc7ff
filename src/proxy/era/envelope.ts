import { isJsonObject } from '../../core/model/json.ts'
import type { Message } from '../upstream/message.ts'

/** The revision of MCP without sessions: each request names its revision and its client, and its client repeats it to answer questions. */
export const REVISION = '2026-07-28'

/** Members of `_meta` that MCP 2026-07-28 reserves (basic, `_meta`). */
export const META = {
  revision: 'io.modelcontextprotocol/protocolVersion',
  client: 'io.modelcontextprotocol/clientInfo',
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
  server: 'io.modelcontextprotocol/serverInfo',
  subscription: 'io.modelcontextprotocol/subscriptionId',
} as const

type Members = Readonly<Record<string, unknown>>

/** What a request says about its client. */
export interface Envelope {
  readonly meta: Members
  readonly clientName: string | undefined
  readonly capabilities: Members
  readonly logLevel: string | undefined
}

export function metaOf({ params }: Message): Members {
  const meta = params?.['_meta']
  return isJsonObject(meta) ? meta : {}
}

/** Reads the envelope of a request that has been checked. */
export function envelopeOf(message: Message): Envelope {
  const meta = metaOf(message)
  const { [META.client]: info, [META.capabilities]: capabilities, [META.logLevel]: level } = meta
  const name = isJsonObject(info) ? info['name'] : undefined
  return {
    meta,
    clientName: typeof name === 'string' ? name.slice(0, 256) : undefined,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    logLevel: typeof level === 'string' ? level : undefined,
  }
}

export interface Sender {
  readonly info: unknown
  readonly capabilities: unknown
  readonly logLevel?: unknown
}

/** Returns the message as a client of MCP 2026-07-28 sends it. */
export function withEnvelope<M extends Message>(message: M, { info, capabilities, logLevel }: Sender): M {
  const meta = {
    ...metaOf(message),
    [META.revision]: REVISION,
    ...(info !== undefined && { [META.client]: info }),
    [META.capabilities]: capabilities ?? {},
    ...(logLevel !== undefined && { [META.logLevel]: logLevel }),
  }
  return { ...message, params: { ...message.params, _meta: meta } }
}

const OF_ENVELOPE: ReadonlySet<string> = new Set([META.revision, META.client, META.capabilities, META.logLevel])

/** Returns the message as a client with a session sends it. */
export function withoutEnvelope<M extends Message>(message: M): M {
  const meta = Object.fromEntries(Object.entries(metaOf(message)).filter(([key]) => !OF_ENVELOPE.has(key)))
  const { _meta: _, ...params } = message.params ?? {}
  return { ...message, params: { ...params, ...(Object.keys(meta).length > 0 && { _meta: meta }) } }
}
