import type { ServerResponse } from 'node:http'

/** Something that lasts as long as a response. */
export interface CloseListener {
  /** The client has the whole response, or is gone. */
  closed(): void
}

const open = new WeakMap<ServerResponse, CloseListener[]>()

/** Calls `listener.closed()` once: when the response closes, or now if it has closed. All share one listener of Node.js. */
export function onClose(response: ServerResponse, listener: CloseListener): void {
  const listeners = open.get(response)
  if (response.closed) listener.closed()
  else if (listeners) listeners.push(listener)
  else {
    open.set(response, [listener])
    response.on('close', tellListeners)
  }
}

function tellListeners(this: ServerResponse): void {
  const listeners = open.get(this) ?? []
  open.delete(this)
  for (const listener of listeners) listener.closed()
}
