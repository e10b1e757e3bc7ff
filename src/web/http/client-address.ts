import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Address of the browser or client. `X-Forwarded-For` is a list to which each proxy appends the address it saw, so only the last
 * `trustedProxies` entries were written by proxies of ours; what stands before them is whatever the client likes to say.
 */
export function clientAddress(request: IncomingMessage, trustedProxies: number): string {
  const peer = plain(request.socket.remoteAddress ?? '')
  if (trustedProxies === 0) return peer
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((entry) => plain(entry.trim()))
  const address = forwarded.at(-trustedProxies)
  return address !== undefined && isIP(address) !== 0 ? address : peer
}

/** Some proxies add the port, and brackets around IPv6 (RFC 7239 §6). An IPv4 address that came in over an IPv6 socket is the same client. */
function plain(written: string): string {
  const [, bracketed, dotted] = /^"?(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?"?$/.exec(written) ?? []
  const address = bracketed ?? dotted ?? written
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? address
}
