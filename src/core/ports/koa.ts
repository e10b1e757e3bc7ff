import type { IncomingMessage, ServerResponse } from 'node:http'

// Public declarations use these types and not Koa's. @types/koa compiles only beside version 1 of content-disposition, which a project with
// Express 5 does not have, and a project without Koa does not need it.

/** The part of a Koa context that every middleware here can rely on. */
export interface KoaContext {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly path: string
}

/** Calls the next middleware. */
export type KoaNext = () => Promise<unknown>

/**
 * Koa middleware: pass it to `app.use()`.
 *
 * Declared as a method, whose parameters are compared both ways, so that middleware with Koa's own, larger context fits too.
 */
export type KoaMiddleware = { handle(ctx: KoaContext, next: KoaNext): unknown }['handle']

/** A Koa application of our own, which serves nothing but our middleware. */
export interface OwnKoa {
  use(middleware: KoaMiddleware): unknown
  callback(): (request: IncomingMessage, response: ServerResponse) => unknown
  createContext(request: IncomingMessage, response: ServerResponse): { readonly path: unknown }
  on(event: 'error', listener: (error: unknown, context?: KoaContext) => void): unknown
  onerror(error: Error): void
}

/** A Koa application, as far as the vault's routes need it. */
export interface KoaApplication {
  use(middleware: KoaMiddleware): unknown
  /** Distinguishes it from an Express application, which has `use` as well. */
  callback(): (request: IncomingMessage, response: ServerResponse) => unknown
}
