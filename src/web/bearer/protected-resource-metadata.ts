import type { Middleware } from 'koa'
import { parsedUrl } from '../../core/model/url-value.ts'
import type { ResourceDescription } from '../../core/ports/identity.ts'
import type { OwnRoutes } from '../http/own-routes.ts'
import { programHeaders, setHeaders } from '../http/security-headers.ts'
import type { BearerParts } from '../http/web-parts.ts'
import { authorizationServerMetadata } from './authorization-server-metadata.ts'

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
/** Short, so that clients notice a new authorization server soon (RFC 9728 §7.10). */
const MAX_AGE_SECONDS = 300

/**
 * Serves the metadata in which clients find the authorization servers that issue tokens for this server (RFC 9728): at the well-known path
 * inserted in front of the resource's own (§3.1), and at the root, where older MCP clients look; and, where clients log in through this server, the
 * metadata of the authorization server that it then is. Serves nothing if the identity mode has no authorization server.
 */
export function protectedResourceMetadata({
  identity,
  serverBaseUrl,
  options,
}: Pick<BearerParts, 'identity' | 'serverBaseUrl' | 'options'>): OwnRoutes {
  const { resource } = identity
  if (!resource) return { middleware: (_ctx, next) => next(), owns: () => false, openPaths: [] }
  const resourceBody = JSON.stringify(documentOf(resource, options.serverName))
  const ours = authorizationServerMetadata({ identity, serverBaseUrl })
  const documents = new Map([
    [metadataPath(serverBaseUrl, resource), resourceBody],
    [WELL_KNOWN, resourceBody],
    ...(ours?.paths.map((path) => [path, ours.body] as const) ?? []),
  ])
  const openPaths = [...documents.keys()]
  const headers = {
    ...programHeaders(serverBaseUrl.protocol === 'https:', options.hstsIncludeSubdomains),
    'Access-Control-Allow-Origin': '*',
    'Cache-Control': `public, max-age=${MAX_AGE_SECONDS}`,
  }

  const bodyAt = (path: string) => documents.get(path.length > 1 ? path.replace(/\/$/, '') : path)
  const owns = (path: string) => bodyAt(path) !== undefined

  const middleware: Middleware = async (ctx, next) => {
    const body = bodyAt(ctx.path)
    if (body === undefined) return next()
    setHeaders(ctx, headers)
    if (ctx.method === 'OPTIONS' && ctx.req.headers['access-control-request-method']) {
      ctx.set({ 'Access-Control-Allow-Methods': 'GET', 'Access-Control-Allow-Headers': 'Accept, Mcp-Protocol-Version' })
      ctx.status = 204
      return
    }
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
