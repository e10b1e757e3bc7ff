import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'

const STYLE = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; background: light-dark(#fff, #16181d); color: light-dark(#1b1f24, #e8eaed) }
a { color: light-dark(#1a56db, #8ab4f8) }
h2 { margin-top: 2rem; font-size: 1.1rem }
pre { padding: .75rem; overflow-x: auto; border-radius: .4rem; background: light-dark(#eef1f5, #22262d) }
dt { font-weight: 600 }
dd { margin: 0 0 .75rem }
`
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`

export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': POLICY,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const

/** A page of the example's servers. `body` is HTML, `title` is text. */
export function examplePage(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
${body}
</main></body>
</html>
`
}

/** For an address that leads nowhere. `server` says whose it is, `home` is where to go instead. */
export function notFoundPage(server: string, home: string): string {
  return examplePage(
    'There is no such page',
    `<p>This is the ${escapeHtml(server)} of the tickets example. <a href="${escapeHtml(home)}">See what runs here.</a></p>`,
  )
}

export function sendNotFoundPage(response: ServerResponse, server: string, home: string): void {
  response.writeHead(404, PAGE_HEADERS).end(notFoundPage(server, home))
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
