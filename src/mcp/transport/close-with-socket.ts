import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Closes a response when its client disconnects, even while it waits behind an earlier response of the connection (pipelining, RFC 9112
 * §9.3.2). Node.js assigns such a response no socket yet, and emits no `close` when the socket ends.
 */
export function closeWithSocket({ socket }: IncomingMessage, response: ServerResponse): void {
  const gone = () => {
    if (response.closed) return
    response.destroy()
    response.emit('close')
  }
  // One listener for each pipelined request.
  socket.setMaxListeners(0)
  socket.once('close', gone)
  response.once('close', () => socket.off('close', gone))
}
