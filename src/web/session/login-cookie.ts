import { createHash } from 'node:crypto'
import type { Context } from 'koa'
import { z } from 'zod'
import type { LoginTransaction } from '../../core/ports/identity.ts'
import type { LinkTarget, Site } from '../http/site.ts'
import { type CookieSealer, clearCookie, cookieName, requestCookies, setSealedCookie } from './sealed-cookie.ts'

/** One login between its two halves: what the identity mode keeps, and where the browser goes afterwards. */
export interface OpenLogin {
  readonly transaction: LoginTransaction
  readonly target: LinkTarget
  /** Unix milliseconds. */
  readonly startedAt: number
}

/** In which a login has to be finished. */
export const LOGIN_SECONDS = 600
const MAX_OPEN_LOGINS = 3

const sealedSchema = z.strictObject({
  transaction: z.record(z.string(), z.string()),
  provider: z.string(),
  handle: z.string(),
  startedAt: z.number(),
})

/**
 * Login cookies: one for each login that this browser has begun, found by the login's `state`, so that two tabs don't overwrite each
 * other. The way back is sealed in it, so no parameter of any request can send the browser elsewhere.
 */
export function createLoginCookies(site: Site, sealer: CookieSealer) {
  const prefix = cookieName(site, 'login-')
  const nameFor = (state: string) => prefix + loginId(state).slice(0, 12)

  function open(value: string | undefined): OpenLogin | undefined {
    const content = sealedSchema.safeParse(sealer.open('login-cookie', value))
    if (!content.success) return undefined
    const { provider, handle, ...rest } = content.data
    return { ...rest, target: { provider, handle } }
  }

  return {
    set(ctx: Context, state: string, login: OpenLogin): void {
      const value = sealer.seal(
        'login-cookie',
        { transaction: login.transaction, ...login.target, startedAt: login.startedAt },
        login.startedAt + LOGIN_SECONDS * 1000,
      )
      makeRoom(ctx)
      setSealedCookie(ctx, site, { name: nameFor(state), value, maxAge: LOGIN_SECONDS })
    },

    find: (ctx: Context, state: string): OpenLogin | undefined => open(requestCookies(ctx.req).get(nameFor(state))),

    clear: (ctx: Context, state: string): void => clearCookie(ctx, site, nameFor(state)),

    clearAll(ctx: Context): void {
      for (const name of requestCookies(ctx.req).keys()) if (name.startsWith(prefix)) clearCookie(ctx, site, name)
    },
  }

  /** The oldest ones go, and first those that do not open at all. */
  function makeRoom(ctx: Context): void {
    const held = [...requestCookies(ctx.req)]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => ({ name, startedAt: open(value)?.startedAt ?? 0 }))
      .sort((a, b) => b.startedAt - a.startedAt)
    for (const { name } of held.slice(MAX_OPEN_LOGINS - 1)) clearCookie(ctx, site, name)
  }
}

export type LoginCookies = ReturnType<typeof createLoginCookies>

/** Names a login without giving its state away. */
export function loginId(state: string): string {
  return createHash('sha256').update(`login ${state}`).digest('base64url')
}
