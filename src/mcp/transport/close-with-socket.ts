import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Closes a response when its client has gone, also while it waits behind an earlier one of the same connection (pipelining, RFC 9112
 * §9.3.2): Node.js gives it no socket yet, and no `close` when the socket ends.
 */
export function closeWithSocket({ socket }: IncomingMessage, response: ServerResponse): void {
  const gone = () => {
    if (response.closed) return
    response.destroy()
    response.emit('close')
  }
  // One for each request that the client has sent ahead.
  socket.setMaxListeners(0)
  socket.once('close', gone)
  response.once('close', () => socket.off('close', gone))
}
