import type Koa from 'koa'
import { escapeHtml, examplePage, notFoundPage, PAGE_HEADERS } from './example-page.ts'

/** Where the parts of the running example are. */
export interface Places {
  /** Of the MCP endpoint. */
  readonly url: string
  readonly ticketService: string
  readonly issuer: string
}

const USUAL_URL = 'http://localhost:8005/mcp'

/** Makes one call, with the user's own login, without any MCP client installed. */
export function callCommand({ url }: Pick<Places, 'url'>): string {
  return `npm run call${url === USUAL_URL ? '' : ` -- --url ${url}`}`
}

/** For VS Code, and for most other clients. */
export function clientSettings({ url }: Pick<Places, 'url'>): { readonly vsCode: string; readonly others: string } {
  return {
    vsCode: `{ "servers": { "tickets": { "type": "http", "url": "${url}" } } }`,
    others: `{ "mcpServers": { "tickets": { "type": "http", "url": "${url}" } } }`,
  }
}

/** Serves a page at `/` that says what runs here, and one for each address that nothing else answers. Mount it last. */
export function welcome(places: Places): Koa.Middleware {
  const home = welcomePage(places)
  return (ctx) => {
    ctx.set(PAGE_HEADERS)
    const found = ctx.path === '/' && (ctx.method === 'GET' || ctx.method === 'HEAD')
    ctx.status = found ? 200 : 404
    ctx.body = found ? home : notFoundPage('MCP server', '/')
  }
}

function welcomePage(places: Places): string {
  const { url, ticketService, issuer } = places
  const { vsCode, others } = clientSettings(places)
  const link = (to: string) => `<a href="${escapeHtml(to)}">${escapeHtml(to)}</a>`
  const code = (text: string) => `<pre><code>${escapeHtml(text)}</code></pre>`
  return examplePage(
    'Tickets example',
    `<p>An MCP server whose tools create tickets in each user's own name, with a token that the user enters in a form.</p>
<dl>
<dt>MCP server, for MCP clients only</dt><dd><code>${escapeHtml(url)}</code></dd>
<dt>Ticket Service, which makes personal access tokens</dt><dd>${link(`${ticketService}/`)}</dd>
<dt>Identity provider, with the users Alice and Bob and no passwords</dt><dd>${link(`${issuer}/`)}</dd>
</dl>
<h2>Make a call without an MCP client</h2>
<p>In the project's folder:</p>
${code(callCommand(places))}
<p>It signs in as Alice, calls <code>create_ticket</code>, and prints the link to the form. The call goes on when the token is saved.</p>
<h2>Add it to an MCP client</h2>
<p>In VS Code, <code>.vscode/mcp.json</code>:</p>
${code(vsCode)}
<p>Most other clients:</p>
${code(others)}`,
  )
}
