/**
 * Normalises the value of a `url` variable: scheme and host in lower case, no default port, no dot segments (URL Standard), and no slash
 * after a bare host, so that a tool can append `/path`. Other paths keep their last slash, because it is significant there. Text that is
 * not a URL is returned unchanged.
 */
export function normalisedUrl(text: string): string {
  if (!URL.canParse(text)) return text
  const url = new URL(text)
  return url.href === `${url.origin}/` ? url.origin : url.href
}

/** Whether credentials may be sent to addresses of this scheme at all. Everything that names a service is checked with it. */
export function isWebUrl({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:'
}
