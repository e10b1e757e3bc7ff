import type { KoaMiddleware } from '../../core/ports/koa.ts'

/** Middleware that answers some paths itself and passes every other on. */
export interface OwnRoutes {
  readonly middleware: KoaMiddleware
  /** Whether `middleware` answers this path itself. */
  owns(path: string): boolean
  /** Paths that must be reachable without a bearer token. `{name}` stands for a provider, `*` for any file. */
  readonly openPaths: readonly string[]
}
