/** Whether a URL's host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`. Names are not resolved. */
export function isLoopback(url: URL): boolean {
  return isLoopbackHost(url.hostname)
}

/** Whether a host is this machine. An IPv6 address may be in brackets. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Whether what is sent to a URL cannot be read on the way: https, or http that stays on this machine. */
export function isHttpsOrLoopback(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
}
