import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether our own page sent this POST. Browsers send `Origin` with every POST, so one without it comes from no page at all, and `null`
 * comes from a sandboxed or foreign one (OWASP ASVS 5.0 v5.0.0-3.5.1).
 */
export function sentByOurPage(headers: IncomingHttpHeaders, origin: string): boolean {
  return headers.origin === origin && siteAllowed(headers['sec-fetch-site'])
}

function siteAllowed(site: string | string[] | undefined): boolean {
  return site === undefined || site === 'same-origin'
}

/**
 * Whether a browser asks for a page as a page: not as a frame, an image or a script of another document. Old browsers and programs send
 * no `Sec-Fetch-Dest`; they get the page, which is worthless without a session.
 */
export function askedAsDocument(headers: IncomingHttpHeaders): boolean {
  const destination = headers['sec-fetch-dest']
  return destination === undefined || destination === 'document'
}
