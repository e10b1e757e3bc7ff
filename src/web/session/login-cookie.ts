import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { LoginTransaction } from '../../core/ports/identity.ts'
import type { ReturnTarget, Site } from '../http/site.ts'
import { type CookieSealer, clearedCookie, cookieName, requestCookies, sealedCookie } from './sealed-cookie.ts'

/** One login until the identity provider answers: the identity mode's data, and the page to return to. */
export interface OpenLogin {
  readonly transaction: LoginTransaction
  readonly target: ReturnTarget
  /** Unix milliseconds. */
  readonly startedAt: number
}

/** Seconds within which a login must be finished. */
export const LOGIN_SECONDS = 600
const MAX_OPEN_LOGINS = 3

const sealedSchema = z.strictObject({
  transaction: z.record(z.string(), z.string()),
  target: z.union([z.literal('account'), z.strictObject({ provider: z.string(), handle: z.string() })]),
  startedAt: z.number(),
})

/**
 * Creates the login cookies. Each login of a browser has its own, found by the login's `state`, so that two tabs do not overwrite each
 * other. The page to return to is sealed in it, so no request parameter can send the browser elsewhere.
 */
export function createLoginCookies(site: Site, sealer: CookieSealer) {
  const prefix = cookieName(site, 'login-')
  const nameFor = (state: string) => prefix + loginId(state).slice(0, 12)

  function open(value: string | undefined): OpenLogin | undefined {
    const content = sealedSchema.safeParse(sealer.open('login-cookie', value))
    return content.success ? content.data : undefined
  }

  /** Drops the oldest logins, and first those that do not open. */
  function evictedCookies(request: IncomingMessage): readonly string[] {
    const held = [...requestCookies(request)]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => ({ name, startedAt: open(value)?.startedAt ?? 0 }))
      .sort((a, b) => b.startedAt - a.startedAt)
    return held.slice(MAX_OPEN_LOGINS - 1).map(({ name }) => clearedCookie(site, name))
  }

  return {
    /** Returns the `Set-Cookie` lines that keep this login. */
    cookiesFor(request: IncomingMessage, state: string, login: OpenLogin): readonly string[] {
      const value = sealer.seal(
        'login-cookie',
        { transaction: login.transaction, target: login.target, startedAt: login.startedAt },
        login.startedAt + LOGIN_SECONDS * 1000,
      )
      return [...evictedCookies(request), sealedCookie(site, { name: nameFor(state), value, maxAge: LOGIN_SECONDS })]
    },

    find: (request: IncomingMessage, state: string): OpenLogin | undefined =>
      open(requestCookies(request).get(nameFor(state))),

    cleared: (state: string): readonly string[] => [clearedCookie(site, nameFor(state))],

    allCleared: (request: IncomingMessage): readonly string[] =>
      [...requestCookies(request).keys()]
        .filter((name) => name.startsWith(prefix))
        .map((name) => clearedCookie(site, name)),
  }
}

export type LoginCookies = ReturnType<typeof createLoginCookies>

/** Returns an id of a login that does not reveal its state. */
export function loginId(state: string): string {
  return createHash('sha256').update(`login ${state}`).digest('base64url')
}
