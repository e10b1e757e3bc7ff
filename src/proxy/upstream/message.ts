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
  const isFit =
    'method' in value ? isCall(value) : 'error' in value ? isError(value) : 'result' in value && hasId(value)
  // The checks above have looked at each member that is read.
  return isFit ? (value as unknown as Message) : undefined
}

type Members = Readonly<Record<string, unknown>>

/** A request or a notification. */
function isCall(value: Members): boolean {
  const { id, method, params } = value
  if (typeof method !== 'string' || (id !== undefined && !hasId(value))) return false
  return params === undefined || isJsonObject(params)
}

/** An error that could not be attributed has no id, or null. */
function isError(value: Members): boolean {
  const { id, error } = value
  if (!isJsonObject(error) || typeof error['code'] !== 'number' || typeof error['message'] !== 'string') return false
  return hasId(value) || (id ?? null) === null
}

function hasId({ id }: Members): boolean {
  return isRequestId(id)
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

/** Makes a notification of MCP, by its name without `notifications/`. */
export function notification(name: string, params?: Readonly<Record<string, unknown>>) {
  return { jsonrpc: '2.0', method: `notifications/${name}`, ...(params && { params }) } as const
}

/** Codes of JSON-RPC 2.0 §5.1 and of MCP. */
export const CODES = { invalidRequest: -32_600, internal: -32_603, server: -32_000, urlRequired: -32_042 } as const
