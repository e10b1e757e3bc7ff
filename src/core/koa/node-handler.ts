import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KoaMiddleware, OwnKoa } from '../ports/koa.ts'
import { silenceGoneClients } from './client-gone.ts'

/** A handler for Express, Fastify (through `@fastify/middie`) and `node:http`. Without `next`, it answers foreign paths with 404. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void

/**
 * Serves Koa middleware in a server that is not Koa's. Requests for other paths go to `next` before Koa sees them, because Koa would leave
 * listeners and a status on them.
 *
 * @param app a new one
 */
export function createNodeHandler(
  app: OwnKoa,
  middleware: KoaMiddleware,
  owns: (path: string) => boolean,
): NodeHandler {
  silenceGoneClients(app)
  app.use(middleware)
  const handle = app.callback()
  return (request, response, next) => {
    const mounted = request.url
    request.url = wholeUrl(request)
    // Reads the path as Koa does, so that it takes only paths that the routes answer.
    const { path } = app.createContext(request, response)
    if (!next || (typeof path === 'string' && owns(path))) return void handle(request, response)
    request.url = mounted
    next()
  }
}

/**
 * Returns the URL with the path below which the handler is mounted. Express keeps that path in `baseUrl`; connect and middie keep the whole
 * URL in `originalUrl`. In Express `originalUrl` would undo the application's own rewriting.
 */
function wholeUrl(request: IncomingMessage & { baseUrl?: unknown; originalUrl?: unknown }): string | undefined {
  const { url, baseUrl, originalUrl } = request
  // For a request of that very path, Express has the URL `/`.
  if (typeof baseUrl === 'string') return baseUrl + (baseUrl === '' ? url : url?.replace(/^\/(?=\?|$)/, ''))
  return typeof originalUrl === 'string' ? originalUrl : url
}
