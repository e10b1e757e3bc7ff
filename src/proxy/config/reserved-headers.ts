/** Headers that HTTP, MCP or the proxy set, and those by which a request names another site, another session or another sender. */
const RESERVED = new Set([
  ...['accept', 'accept-encoding', 'connection', 'content-encoding', 'content-length', 'content-type', 'cookie'],
  ...['date', 'expect', 'forwarded', 'host', 'keep-alive', 'last-event-id', 'max-forwards', 'origin', 'referer'],
  ...['set-cookie', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'via', 'x-real-ip', 'x-http-method-override'],
])
const RESERVED_BEGINNINGS = ['mcp-', 'proxy-', 'sec-', 'x-forwarded-', 'access-control-']

/** Whether a slot may not use this header. */
export function isReservedHeader(name: string): boolean {
  const lower = name.toLowerCase()
  return RESERVED.has(lower) || RESERVED_BEGINNINGS.some((beginning) => lower.startsWith(beginning))
}
