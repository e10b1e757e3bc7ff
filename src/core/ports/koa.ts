import type { IncomingMessage, ServerResponse } from 'node:http'

// Public declarations name these and not Koa's. @types/koa compiles only beside version 1 of content-disposition, which a project that
// has Express 5 does not get, and a project without Koa has no use for it.

/** The part of a Koa context that every middleware here can rely on. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly path: string
}

/** Calls the middleware that comes after this one. */
export type KoaNext = () => Promise<unknown>

/**
 * Koa middleware: pass it to `app.use()`.
 *
 * A method's parameters are compared both ways, so that middleware with Koa's own, larger context is one of these, too.
 */
export type KoaMiddleware = { handle(ctx: KoaContext, next: KoaNext): unknown }['handle']

/** A Koa application, as far as the vault's routes need it. */
export interface KoaApplication {
  use(middleware: KoaMiddleware): unknown
  /** Tells it from an Express application, which has `use` as well. */
  callback(): (request: IncomingMessage, response: ServerResponse) => unknown
}
