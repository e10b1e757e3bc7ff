/** A JSON-RPC 2.0 message, as it was received: members that we do not know stay. */
export type JsonRpcMessage = Readonly<Record<string, unknown>> & { readonly jsonrpc: '2.0' }

/** Splits a child's output into messages: one line each, UTF-8. */
export interface JsonLines {
  /** Returns the messages that this chunk completes. */
  push(chunk: Uint8Array): readonly JsonLine[]
  /** Lines that were no message, or too long. */
  readonly invalid: number
  /** Bytes of which nothing came: those of invalid lines, with something for the work on each line, and of a line that is too long. */
  readonly wastedBytes: number
}

export interface JsonLine {
  readonly message: JsonRpcMessage
  /** Length of its line. */
  readonly bytes: number
}

const LINE_END = 0x0a
/** To reject an empty line takes as long as to search so many bytes. */
const LINE_COST = 256

/** @param maxLineBytes a longer line is dropped, and memory for it is never taken */
export function createJsonLines(maxLineBytes: number): JsonLines {
  let parts: Uint8Array[] = []
  let held = 0
  let skipping = false
  let invalid = 0
  let wastedBytes = 0

  function keep(part: Uint8Array): void {
    held += part.length
    if (skipping) wastedBytes += part.length
    else if (held > maxLineBytes) {
      skipping = true
      wastedBytes += held
      parts = []
    } else if (part.length > 0) parts.push(part)
  }

  function endLine(): readonly JsonLine[] {
    const line = Buffer.concat(parts).toString('utf8').trim()
    const [bytes, wasTooLong] = [held, skipping]
    parts = []
    held = 0
    skipping = false
    const messages = wasTooLong || line === '' ? [] : messagesIn(line)
    if (!wasTooLong && messages.length === 0) wastedBytes += bytes + LINE_COST
    if (wasTooLong || (line !== '' && messages.length === 0)) invalid += 1
    return messages.map((message) => ({ message, bytes }))
  }

  return {
    push(chunk) {
      const found: JsonLine[] = []
      let start = 0
      for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
        keep(chunk.subarray(start, end))
        found.push(...endLine())
        start = end + 1
      }
      keep(chunk.subarray(start))
      return found
    },

    get invalid() {
      return invalid
    },

    get wastedBytes() {
      return wastedBytes
    },
  }
}

function messagesIn(line: string): readonly JsonRpcMessage[] {
  // What JSON.parse throws takes long to make.
  if (line[0] !== '{' && line[0] !== '[') return []
  try {
    const value: unknown = JSON.parse(line)
    // MCP 2025-03-26 allowed batches.
    const all: readonly unknown[] = Array.isArray(value) ? value : [value]
    return all.filter(isMessage)
  } catch {
    return []
  }
}

/** Whether it is a request, a notification or a response. */
export function isMessage(value: unknown): value is JsonRpcMessage {
  if (typeof value !== 'object' || value === null || Reflect.get(value, 'jsonrpc') !== '2.0') return false
  return 'method' in value ? typeof value.method === 'string' : 'id' in value && ('result' in value || 'error' in value)
}
