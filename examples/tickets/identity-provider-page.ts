import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { escapeHtml, examplePage } from './example-page.ts'

const STYLE = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f2f4f7, #16181d); color: light-dark(#1b1f24, #e8eaed) }
main { width: min(22rem, 100vw - 2rem); padding: 2rem; box-sizing: border-box; border-radius: .75rem; background: light-dark(#fff, #22262d); box-shadow: 0 1px 4px #0003 }
h1 { margin: 0 0 .5rem; font-size: 1.25rem }
p { margin: 0 0 1.5rem }
button { display: block; width: 100%; margin: 0 0 .75rem; padding: .75rem; font: inherit; border: 1px solid light-dark(#8a929e, #6d7683); border-radius: .5rem; background: none; color: inherit; cursor: pointer }
button:hover, button:focus-visible { border-color: light-dark(#1a56db, #8ab4f8); outline: 2px solid light-dark(#1a56db, #8ab4f8) }
small { color: light-dark(#5a6270, #a9b0bb) }
`

// No form-action: Chromium would also refuse the redirect back to the application, which answers the form.
const POLICY = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'`

export interface SignInPage {
  /** Who signs people in, e.g. `Example Company`. */
  readonly serviceName: string
  /** Where the form goes. */
  readonly action: string
  readonly users: readonly { readonly account: string; readonly name: string }[]
}

/** One button per person and no password: whoever is at the keyboard says who they are. Works without JavaScript. */
export function sendSignInPage(response: ServerResponse, page: SignInPage): void {
  const buttons = page.users.map(
    ({ account, name }) =>
      `<button name="account" value="${escapeHtml(account)}">Continue as ${escapeHtml(name)}</button>`,
  )
  send(
    response,
    200,
    `Sign in – ${page.serviceName}`,
    `<h1>Sign in to ${escapeHtml(page.serviceName)}</h1>
<p>Who are you?</p>
<form method="post" action="${escapeHtml(page.action)}">
${buttons.join('\n')}
</form>
<small>An identity provider for trying things out. It asks for no password.</small>`,
  )
}

/** At the provider's own address. `home` is that of the server that signs its users in here. */
export function identityProviderPage(users: readonly { readonly name: string }[], home: string): string {
  const names = users.map(({ name }) => name).join(', ')
  return examplePage(
    'Identity provider',
    `<p>An OpenID Connect provider for trying things out. Its users are ${escapeHtml(names)}; none has a password.</p>
<p>You come here when an MCP client or the form signs you in. <a href="${escapeHtml(home)}">See what else runs here.</a></p>`,
  )
}

/** For a sign-in page that was opened twice or too late. */
export function sendNoticePage(response: ServerResponse, status: number, text: string): void {
  send(response, status, text, `<h1>${escapeHtml(text)}</h1><p>Go back to the application and try again.</p>`)
}

function send(response: ServerResponse, status: number, title: string, body: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': POLICY,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><main>
${body}
</main></body>
</html>
`)
}
