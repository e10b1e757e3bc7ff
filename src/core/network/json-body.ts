import type { IncomingMessage } from 'node:http'
import { excessText, type JsonExcess, jsonCounter } from '../model/json.ts'

export interface BodyProblem {
  readonly status: 400 | 413 | 415
  readonly message: string
}

export type JsonBody = { readonly value: unknown; readonly problem?: never } | { readonly problem: BodyProblem }

/** Counts the bytes of an unfinished body. */
export interface HeldBytes {
  waiting(bytes: number): void
  taken(bytes: number): void
}

export interface JsonBodyOptions {
  /** Counts the buffered bytes of an unfinished body against its owner's share. */
  readonly held?: HeldBytes
  /** Media types besides `application/json`. */
  readonly types?: readonly string[]
}

/**
 * Reads a JSON body of at most `maxBytes`. The problem's message never quotes the body. `aborted`: the client has disconnected.
 */
export async function readJsonBody(
  request: IncomingMessage,
  maxBytes: number,
  { held, types = [] }: JsonBodyOptions = {},
): Promise<JsonBody | 'aborted'> {
  const unread = headerProblem(request, maxBytes, ['application/json', ...types])
  if (unread) return { problem: unread }
  const chunks: Buffer[] = []
  const counter = jsonCounter()
  let excess: JsonExcess | undefined
  let size = 0
  let kept = 0
  try {
    for await (const chunk of request) {
      size += chunk.length
      if (size > maxBytes) return { problem: tooLarge(maxBytes) }
      // Read to the end, so that the connection can be reused.
      excess ??= counter.add(chunk)
      if (excess) continue
      chunks.push(chunk)
      kept += chunk.length
      held?.waiting(chunk.length)
      // Received data counts as progress, like data that a client reads.
      held?.taken(0)
    }
  } catch {
    return 'aborted'
  } finally {
    held?.taken(kept)
  }
  if (excess) return { problem: { status: 400, message: `Parse error: ${excessText(excess)}` } }
  try {
    return { value: JSON.parse(Buffer.concat(chunks).toString('utf8')) }
  } catch {
    return { problem: { status: 400, message: 'Parse error: the body is not JSON' } }
  }
}

function headerProblem(
  { headers }: IncomingMessage,
  maxBytes: number,
  accepted: readonly string[],
): BodyProblem | undefined {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  if (!accepted.includes(type.trim().toLowerCase())) {
    return { status: 415, message: `Content-Type must be ${accepted.join(' or ')}` }
  }
  return Number(headers['content-length'] ?? 0) > maxBytes ? tooLarge(maxBytes) : undefined
}

function tooLarge(maxBytes: number): BodyProblem {
  return { status: 413, message: `The request is larger than ${maxBytes} bytes` }
}
