import type { Middleware } from 'koa'
import { basePathOf, urlBelow } from '../../core/network/server-base-url.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { securityHeaders, setHeaders } from '../../web/http/security-headers.ts'
import { siteOf } from '../../web/http/site.ts'
import { loadAssets } from '../../web/pages/assets.ts'
import type { LayoutView } from '../../web/pages/page-views.ts'
import { compilePage } from '../../web/pages/templates.ts'
import { type ClientSetting, clientSettings } from './client-settings.ts'

interface ProxyView extends LayoutView {
  readonly heading: string
  readonly lead: string
  readonly servers: readonly ServerView[]
}

interface ServerView {
  readonly id: string
  readonly label: string
  readonly url: string
  readonly clients: readonly (ClientSetting & { readonly open: boolean })[]
}

/** Servers of a proxy by name, with the label that users see. */
export type ListedServers = Readonly<Record<string, { readonly label?: string | undefined }>>

/**
 * Serves a page at the base URL that lists the servers and what to paste into a client. It is open to everybody and says nothing about
 * what is behind the proxy: no address, no header, no tool.
 */
export function proxyPage(serverBaseUrl: URL, servers: () => ListedServers | undefined): KoaMiddleware {
  const site = siteOf(serverBaseUrl)
  const assets = loadAssets(site)
  const { 'Strict-Transport-Security': _, ...headers } = securityHeaders(site, assets)
  const render = compilePage<ProxyView>('proxy')
  const path = `${basePathOf(serverBaseUrl)}/`
  const page: Middleware = (ctx, next) => {
    const listed = servers()
    if (ctx.path !== path || !listed) return next()
    setHeaders(ctx, headers)
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      ctx.status = 405
      ctx.body = ''
      return
    }
    ctx.type = 'text/html; charset=utf-8'
    ctx.body = render({
      ...{ title: 'MCP servers', serverName: serverBaseUrl.host, style: assets.style, scripts: [], icon: assets.icon },
      ...{ banner: undefined, signedIn: undefined, accountHref: site.root, refresh: undefined },
      heading: 'MCP servers',
      lead: 'Add one to your MCP client. The client sends you to a login, and on the first call to a form for your own token.',
      servers: Object.entries(listed).map(([name, { label }]) => serverView(serverBaseUrl, name, label)),
    })
    return
  }
  return page
}

function serverView(
  serverBaseUrl: URL,
  name: string,
  label = name.charAt(0).toUpperCase() + name.slice(1),
): ServerView {
  const url = urlBelow(serverBaseUrl, `/${name}/mcp`).href
  const clients = clientSettings(name, url).map((client, at) => ({ ...client, open: at === 0 }))
  return { id: `server-${name}`, label, url, clients }
}
