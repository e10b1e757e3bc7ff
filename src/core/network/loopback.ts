/** Whether a URL's host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`. Names are not resolved. */
export function isLoopback(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(url.hostname)
}

/** Whether what is sent to a URL cannot be read on the way: https, or http that stays on this machine. */
export function isHttpsOrLoopback(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url))
}
