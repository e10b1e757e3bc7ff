import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * Returns the address of the browser or client. Each proxy appends the address that it saw to `X-Forwarded-For`, so only the last
 * `trustedProxies` entries come from our own proxies. The client controls the entries before them.
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

/** Some proxies add the port, and brackets around IPv6 (RFC 7239 §6). An IPv4 address on an IPv6 socket is the same client. */
function plain(written: string): string {
  const [, bracketed, dotted] = /^"?(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?"?$/.exec(written) ?? []
  const address = bracketed ?? dotted ?? written
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? address
}
