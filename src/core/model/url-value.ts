/**
 * Normalises the value of a `url` variable: scheme and host in lower case, no default port, no dot segments (URL Standard), and no slash
 * after a bare host, so that a tool can append `/path`. Other paths keep their last slash, because it is significant there. Text that is
 * not a URL is returned unchanged.
 */
export function normalisedUrl(text: string): string {
  const url = parsedUrl(text)
  if (!url) return text
  return url.href === `${url.origin}/` ? url.origin : url.href
}

/** Whether credentials may be sent to addresses of this scheme at all. Everything that names a service is checked with it. */
export function isWebUrl({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'http:'
}

/**
 * Parses a URL, absolute or relative to `base`. Returns undefined for any other text.
 *
 * `URL.canParse` isn't used anywhere: once Node.js 20 or 22 has optimised it, after some thousand calls, it refuses URLs with letters such
 * as ü.
 */
export function parsedUrl(text: string | undefined, base?: string | URL): URL | undefined {
  if (text === undefined) return undefined
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}

/** Whether the text is a URL, absolute or relative to `base`. */
export function isUrl(text: string | undefined, base?: string | URL): boolean {
  return parsedUrl(text, base) !== undefined
}
