import { isJsonObject } from '../../core/model/json.ts'
import type { Message } from '../upstream/message.ts'
import { META } from './envelope.ts'

type Members = Readonly<Record<string, unknown>>

/** Methods whose results say how long they may be kept. */
const KEPT = new Set([
  ...['server/discover', 'tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read'],
])

const NOT_FOUND = { before: -32_002, since: -32_602 } as const

/** Returns an answer as MCP 2026-07-28 has it. What it has already stays. Nothing may be kept, and by nobody but its user. */
export function repeatingAnswer(method: string, answer: Message, server?: unknown): Message {
  const { result, error } = answer
  if (error) return error.code === NOT_FOUND.before ? { ...answer, error: { ...error, code: NOT_FOUND.since } } : answer
  if (!isJsonObject(result)) return answer
  const { _meta: given } = result
  const meta = { ...(server !== undefined && { [META.server]: server }), ...(isJsonObject(given) && given) }
  return {
    ...answer,
    result: {
      resultType: 'complete',
      ...(KEPT.has(method) && result['resultType'] !== 'input_required' && { ttlMs: 0, cacheScope: 'private' }),
      ...result,
      ...(Object.keys(meta).length > 0 && { _meta: meta }),
    },
  }
}

/** Returns an answer of MCP 2026-07-28 as MCP 2025-11-25 has it. */
export function sessionAnswer(answer: Message): Message {
  const { result, error } = answer
  if (error) {
    const isNotFound = error.code === NOT_FOUND.since && isJsonObject(error.data) && 'uri' in error.data
    return isNotFound ? { ...answer, error: { ...error, code: NOT_FOUND.before } } : answer
  }
  if (!isJsonObject(result)) return answer
  const { resultType: _, ttlMs: __, cacheScope: ___, _meta: given, ...others } = result
  const meta = withoutServer(given)
  return { ...answer, result: { ...others, ...(meta !== undefined && { _meta: meta }) } }
}

function withoutServer(meta: unknown): unknown {
  if (!isJsonObject(meta)) return meta
  const { [META.server]: _, ...others } = meta
  return Object.keys(others).length > 0 ? others : undefined
}

/** Returns the result of `server/discover` that says what a result of `initialize` says. */
export function discoveryOf(initialize: Members, revision: string): Members {
  const { protocolVersion: _, serverInfo, capabilities, ...others } = initialize
  return {
    ...others,
    supportedVersions: [revision],
    capabilities: capabilities ?? {},
    ...(serverInfo !== undefined && { _meta: { [META.server]: serverInfo } }),
  }
}

/** Returns the result of `initialize` that says what a result of `server/discover` says. */
export function initializeResultOf(discovery: Members, revision: string): Members {
  const { capabilities, instructions, _meta: meta } = discovery
  const server = isJsonObject(meta) ? meta[META.server] : undefined
  return {
    protocolVersion: revision,
    capabilities: isJsonObject(capabilities) ? capabilities : {},
    serverInfo: isJsonObject(server) ? server : { name: 'unnamed', version: '0' },
    ...(instructions !== undefined && { instructions }),
  }
}
