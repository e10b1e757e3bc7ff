import type { ServerResponse } from 'node:http'

/** Something that lasts as long as a response. */
export interface ResponsePart {
  /** The client has the whole response, or is gone. */
  closed(): void
}

const open = new WeakMap<ServerResponse, ResponsePart[]>()

/**
 * Tells the part once, when the response closes, or now if it has. All parts of a response share one listener, because many thousand
 * responses stay open for minutes.
 */
export function untilClosed(response: ServerResponse, part: ResponsePart): void {
  const parts = open.get(response)
  if (response.closed) part.closed()
  else if (parts) parts.push(part)
  else {
    open.set(response, [part])
    response.on('close', tellParts)
  }
}

function tellParts(this: ServerResponse): void {
  const parts = open.get(this) ?? []
  open.delete(this)
  for (const part of parts) part.closed()
}
