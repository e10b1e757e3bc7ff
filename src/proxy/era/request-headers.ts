import type { Message } from '../upstream/message.ts'
import { REVISION } from './envelope.ts'

/** Methods whose subject is named in a header too, with the parameter that has it (MCP 2026-07-28, Streamable HTTP). */
const NAMED: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
}

/** Arguments that their tool's schema wants in headers begin so. */
const PARAMETER_PREFIX = 'mcp-param-'

const ENCODED = /^=\?base64\?((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)\?=$/

/** Returns the headers that a message of MCP 2026-07-28 is sent with. */
export function requestHeaders({ method = '', params }: Message): Readonly<Record<string, string>> {
  const name = nameIn(method, params)
  return {
    'mcp-protocol-version': REVISION,
    'mcp-method': encodedValue(method),
    ...(name !== undefined && { 'mcp-name': encodedValue(name) }),
  }
}

/** Returns what the body names, if a header has to name it too. */
export function nameIn(method: string, params: Message['params']): string | undefined {
  const member = Object.hasOwn(NAMED, method) ? NAMED[method] : undefined
  const name = member === undefined ? undefined : params?.[member]
  return typeof name === 'string' ? name : undefined
}

/** Returns the arguments that a client has sent in headers, to be sent on. They can be no other headers. */
export function parameterHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(PARAMETER_PREFIX) && typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

export function parameterHeader(name: string): string {
  return `${PARAMETER_PREFIX}${name.toLowerCase()}`
}

/** Returns text as a header can carry it: as it is, or as base64 with a mark. */
export function encodedValue(text: string): string {
  const isPlain = /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !ENCODED.test(text)
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`
}

/** Returns undefined for text with the mark that is no base64 of UTF-8. */
export function decodedValue(value: string): string | undefined {
  if (!value.startsWith('=?base64?') || !value.endsWith('?=')) return value
  const encoded = ENCODED.exec(value)?.[1]
  if (encoded === undefined) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'))
  } catch {
    return undefined
  }
}
