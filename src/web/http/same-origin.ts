import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether our own page sent this POST. Browsers send `Origin` with every POST, so a POST without it comes from no page at all (OWASP ASVS
 * 5.0 v5.0.0-3.5.1).
 *
 * `null` comes from a sandboxed or foreign page, and from our own if a proxy has replaced our `Referrer-Policy`. The browser's
 * `Sec-Fetch-Site` tells them apart, and no page can set it. Requests that change anything for the user also need the form's token.
 */
export function sentByOurPage(headers: IncomingHttpHeaders, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (hidesOrigin(headers)) return site === 'same-origin'
  return headers.origin === origin && (site === undefined || site === 'same-origin')
}

/** Whether the browser hid the origin of a POST. */
export function hidesOrigin(headers: IncomingHttpHeaders): boolean {
  return headers.origin === 'null'
}

/**
 * Whether a browser requests a page as a document, not as a frame, an image or a script of another page. Old browsers and programs send no
 * `Sec-Fetch-Dest`; they get the page, which is worthless without a session.
 */
export function askedAsDocument(headers: IncomingHttpHeaders): boolean {
  const destination = headers['sec-fetch-dest']
  return destination === undefined || destination === 'document'
}
