import Koa, { type Middleware } from 'koa'
import { z } from 'zod'
import { createNodeHandler, type NodeHandler } from '../../core/koa/node-handler.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { KoaMiddleware } from '../../core/ports/koa.ts'
import { answerProblems, beginHealthAnswer } from './health-answer.ts'

export interface HealthRoutesOptions {
  /** Path below which both are, such as `/vault` for `/vault/healthz`. Default: none, whatever the path of `serverBaseUrl` is. */
  readonly below?: string
}

/** `GET /healthz` and `GET /readyz`. They need no token, and pass every other path on. */
export interface HealthRoutes {
  /** For Koa. */
  readonly routes: KoaMiddleware
  /** For Express, Fastify or plain `node:http`. */
  nodeHandler(): NodeHandler
  readonly openPaths: readonly string[]
}

const optionsSchema = z.strictObject({
  below: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+)*$/, 'must be a path such as /vault')
    .default(''),
} satisfies OptionSchemas<HealthRoutesOptions>)

/** Finds the parts that do not work, each with a stable code. Empty if the process can serve. It bounds how often it asks them. */
export type FindProblems = () => Promise<ReadonlyMap<string, string>>

/**
 * Makes the routes that orchestrators and load balancers ask. `/healthz` is 200 as long as the process answers: restart it otherwise.
 * `/readyz` is 503 while it should get no requests: a part does not work, or it is shutting down.
 */
export function createHealthRoutes(findProblems: FindProblems, options: HealthRoutesOptions = {}): HealthRoutes {
  const { below } = parseOptions(optionsSchema, options, 'healthRoutes')
  const openPaths = [`${below}/healthz`, `${below}/readyz`]
  const owns = (path: string) => openPaths.includes(path)

  const routes: Middleware = async (ctx, next) => {
    if (typeof ctx.path !== 'string' || !owns(ctx.path)) return next()
    if (!beginHealthAnswer(ctx)) return
    if (ctx.path === `${below}/healthz`) {
      ctx.body = { status: 'ok' }
      return
    }
    answerProblems(ctx, await findProblems(), { none: 'ready', some: 'not_ready' })
  }
  return { routes, openPaths, nodeHandler: () => createNodeHandler(new Koa(), routes, owns) }
}
