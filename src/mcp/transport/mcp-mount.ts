import type { NodeHandler } from '../../core/koa/node-handler.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'

/** Koa middleware that serves MCP: pass it to `app.use()`. */
export type McpMount = KoaMiddleware & {
  /**
   * Returns a handler for Express, Fastify (through `@fastify/middie`) and `node:http`. Put it before anything that reads bodies. Other
   * paths go to `next`; without one they get 404.
   *
   * @example
   * ```ts
   * express().use(mcpMount(vault, createServer).nodeHandler()).listen(3000)
   * ```
   */
  nodeHandler(): NodeHandler
}
