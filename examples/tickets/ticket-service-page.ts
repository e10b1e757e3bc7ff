import type { ServerResponse } from 'node:http'
import { escapeHtml } from './example-page.ts'

const STYLE = `
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { max-width: 32rem; margin: 3rem auto; padding: 0 1rem; background: light-dark(#fff, #16181d); color: light-dark(#1b1f24, #e8eaed) }
button { padding: .6rem 1rem; margin-right: .5rem; font: inherit; border-radius: .4rem; border: 1px solid light-dark(#8a929e, #6d7683); background: none; color: inherit; cursor: pointer }
code { display: block; padding: .75rem; overflow-wrap: anywhere; border-radius: .4rem; background: light-dark(#eef1f5, #22262d) }
`

/** Where a person makes a token: one button each, and the new token once. */
export function sendTokenPage(response: ServerResponse, made: { account: string; token: string } | undefined): void {
  const result = made
    ? `<p>A new token for ${escapeHtml(made.account)}. It is shown only now:</p><code>${made.token}</code>`
    : ''
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Ticket Service</title><style>${STYLE}</style></head>
<body><main><h1>Ticket Service</h1>
<p>Make a personal access token. Whoever has it can create tickets in your name. It ends the one that you made before.</p>
<form method="post" action="/tokens">
<button name="account" value="alice">New token for Alice</button>
<button name="account" value="bob">New token for Bob</button>
</form>
${result}</main></body>
</html>`)
}
