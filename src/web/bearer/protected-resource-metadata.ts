import type { Middleware } from 'koa'
import { parsedUrl } from '../../core/model/url-value.ts'
import type { ResourceDescription } from '../../core/ports/identity.ts'
import type { OwnRoutes } from '../http/own-routes.ts'
import { programHeaders, setHeaders } from '../http/security-headers.ts'
import type { BearerParts } from '../http/web-parts.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
/** Short, so that clients notice a new authorization server soon (RFC 9728 §7.10). */
const MAX_AGE_SECONDS = 300

/**
 * Serves the metadata in which clients find the authorization servers that issue tokens for this server (RFC 9728): at the well-known path
 * inserted in front of the resource's own (§3.1), and at the root, where older MCP clients look. Serves nothing if the identity mode has no
 * authorization server.
 */
export function protectedResourceMetadata({
  identity,
  serverBaseUrl,
  options,
}: Pick<BearerParts, 'identity' | 'serverBaseUrl' | 'options'>): OwnRoutes {
  const { resource } = identity
  if (!resource) return { middleware: (_ctx, next) => next(), owns: () => false, openPaths: [] }
  const openPaths = [...new Set([metadataPath(serverBaseUrl, resource), WELL_KNOWN])]
  const body = JSON.stringify(documentOf(resource, options.serverName))
  const headers = {
    ...programHeaders(serverBaseUrl.protocol === 'https:', options.hstsIncludeSubdomains),
    'Access-Control-Allow-Origin': '*',
    'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}`,
  }

  const owns = (path: string) => openPaths.includes(path.length > 1 ? path.replace(/\/$/, '') : path)

  const middleware: Middleware = async (ctx, next) => {
    if (!owns(ctx.path)) return next()
    setHeaders(ctx, headers)
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.set('Allow', 'GET, HEAD')
      ctx.set('Cache-Control', 'no-store')
      ctx.status = 405
      ctx.body = ''
      return
    }
    ctx.type = 'application/json'
    ctx.body = body
  }
  return { middleware, owns, openPaths }
}

/** Absolute URL of the metadata, for the 401 challenge. */
export function metadataUrl(serverBaseUrl: URL, resource: ResourceDescription): string {
  return serverBaseUrl.origin + metadataPath(serverBaseUrl, resource)
}

/**
 * Returns the well-known path for a resource. An audience that is not an address of this server, such as Entra ID's `api://…`, has no path
 * to insert.
 */
function metadataPath(serverBaseUrl: URL, { resource }: ResourceDescription): string {
  const url = parsedUrl(resource)
  if (!url) return WELL_KNOWN
  if (url.origin !== serverBaseUrl.origin) return WELL_KNOWN
  return WELL_KNOWN + url.pathname.replace(/\/$/, '')
}

function documentOf({ resource, authorizationServers, scopes }: ResourceDescription, serverName: string) {
  return {
    resource,
    authorization_servers: authorizationServers,
    // An empty list is left out (§3.2).
    ...(scopes.length > 0 ? { scopes_supported: scopes } : {}),
    bearer_methods_supported: ['header'],
    resource_name: serverName,
  }
}
