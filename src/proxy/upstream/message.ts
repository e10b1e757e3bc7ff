import { isJsonObject } from '../../core/model/json.ts'

/** A JSON-RPC 2.0 message, as far as a relay reads it. Everything else in it is passed on unchanged. */
export interface Message {
  readonly jsonrpc: '2.0'
  readonly id?: RequestId | null
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

export type RequestId = string | number

export type Request = Message & { readonly id: RequestId; readonly method: string }

/** Returns the value as a message, or undefined if it is none. A batch is none: MCP removed it in revision 2025-06-18. */
export function asMessage(value: unknown): Message | undefined {
  if (!isJsonObject(value) || value['jsonrpc'] !== '2.0') return undefined
  const { id, method, params, error } = value
  const hasId = isRequestId(id)
  if (method !== undefined) {
    const isFit = typeof method === 'string' && (hasId || id === undefined)
    return isFit && (params === undefined || isJsonObject(params)) ? asIs(value) : undefined
  }
  if (error !== undefined) {
    const isFit = isJsonObject(error) && typeof error['code'] === 'number' && typeof error['message'] === 'string'
    return isFit && (hasId || id === null || id === undefined) ? asIs(value) : undefined
  }
  return hasId && 'result' in value ? asIs(value) : undefined
}

export function isRequest(message: Message): message is Request {
  return message.method !== undefined && isRequestId(message.id)
}

/** Whether the message answers a request, with a result or an error. */
export function isAnswer(message: Message): boolean {
  return message.method === undefined
}

export function isRequestId(value: unknown): value is RequestId {
  return typeof value === 'string' || typeof value === 'number'
}

export function errorAnswer(id: RequestId | null, code: number, message: string, data?: unknown): Message {
  return { jsonrpc: '2.0', id, error: { code, message, ...(data !== undefined && { data }) } }
}

export function resultAnswer(id: RequestId, result: unknown): Message {
  return { jsonrpc: '2.0', id, result }
}

/** Codes of JSON-RPC 2.0 §5.1 and of MCP. */
export const CODES = { invalidRequest: -32_600, internal: -32_603, server: -32_000, urlRequired: -32_042 } as const

function asIs(value: object): Message {
  return value as Message
}
