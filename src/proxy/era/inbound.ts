import type { IncomingHttpHeaders } from 'node:http'
import { isJsonObject } from '../../core/model/json.ts'
import { isRequest, type Message } from '../upstream/message.ts'
import { META, metaOf, REVISION } from './envelope.ts'
import { decodedValue, nameIn } from './request-headers.ts'

/** Error codes of MCP 2026-07-28. */
const CODES = { headerMismatch: -32_020, unsupportedVersion: -32_022, invalidParams: -32_602 } as const

export interface InboundProblem {
  readonly code: number
  readonly message: string
  readonly data?: unknown
}

/** Whether a client speaks MCP 2026-07-28 or later, as the message says itself, or its header. Revisions are dates. */
export function isRepeating(message: Message | undefined, headers: IncomingHttpHeaders): boolean {
  if (message?.method === undefined) return false
  const version = headerOf(headers, 'mcp-protocol-version')
  return META.revision in metaOf(message) || (version !== undefined && version >= REVISION)
}

/** Returns why a message of such a client is refused with HTTP 400, or undefined (MCP 2026-07-28, Streamable HTTP). */
export function inboundProblem(message: Message, headers: IncomingHttpHeaders): InboundProblem | undefined {
  const meta = metaOf(message)
  const claimed = meta[META.revision]
  const version = headerOf(headers, 'mcp-protocol-version')
  if (!isRequest(message)) return claimed === undefined ? undefined : revisionProblem(claimed, version)
  return (
    envelopeProblem(meta) ?? revisionProblem(claimed, version) ?? headerProblem(message.method, message.params, headers)
  )
}

function envelopeProblem(meta: Readonly<Record<string, unknown>>): InboundProblem | undefined {
  const { [META.revision]: revision, [META.client]: info, [META.capabilities]: capabilities } = meta
  const missing = [META.revision, META.capabilities].filter((key) => !(key in meta))
  if (missing.length > 0)
    return {
      code: CODES.invalidParams,
      message: `Invalid params: _meta lacks ${missing.join(' and ')}.`,
      data: { envelope: { missing } },
    }
  if (typeof revision !== 'string') return invalid(META.revision)
  if (!isJsonObject(capabilities)) return invalid(META.capabilities)
  if (info !== undefined && !(isJsonObject(info) && typeof info['name'] === 'string')) return invalid(META.client)
  return undefined
}

function invalid(key: string): InboundProblem {
  return { code: CODES.invalidParams, message: `Invalid params: ${key} in _meta is not of its type.` }
}

function revisionProblem(claimed: unknown, version: string | undefined): InboundProblem | undefined {
  if (version !== undefined && version !== claimed) return mismatch('MCP-Protocol-Version')
  if (claimed === REVISION) return undefined
  return {
    code: CODES.unsupportedVersion,
    message: 'Unsupported protocol version',
    data: { supported: [REVISION], requested: typeof claimed === 'string' ? claimed : 'unknown' },
  }
}

function headerProblem(
  method: string,
  params: Message['params'],
  headers: IncomingHttpHeaders,
): InboundProblem | undefined {
  if (headerOf(headers, 'mcp-protocol-version') === undefined) return mismatch('MCP-Protocol-Version')
  if (headerOf(headers, 'mcp-method') !== method) return mismatch('Mcp-Method')
  const name = nameIn(method, params)
  const given = headerOf(headers, 'mcp-name')
  if (name === undefined) return undefined
  return given !== undefined && decodedValue(given) === name ? undefined : mismatch('Mcp-Name')
}

function mismatch(header: string): InboundProblem {
  return {
    code: CODES.headerMismatch,
    message: `Bad Request: the header ${header} is missing or disagrees with the body.`,
    data: { mismatch: { header } },
  }
}

function headerOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value.trim() : undefined
}
