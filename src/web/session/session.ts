import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { z } from 'zod'
import type { Sealer } from '../../core/crypto/seal.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { BrowserLogin, SignedInUser } from '../../core/ports/identity.ts'
import type { Site } from '../http/site.ts'
import type { WebOptions } from '../http/web-parts.ts'
import { type CookieSealer, clearCookie, cookieName, requestCookies, setSealedCookie } from './sealed-cookie.ts'

/** Who is signed in with this browser. Sealed in the cookie; times are Unix milliseconds. */
export interface Session extends Owner {
  readonly id: string
  readonly displayName: string | undefined
  readonly startedAt: number
  /** When its login began: an operator who ended this person's sessions since then has ended this one, too. */
  readonly loginStartedAt: number
  readonly seenAt: number
  /** When they last proved to the identity provider who they are, where it says so. */
  readonly authenticatedAt?: number | undefined
  /** What the last save found out about the account, for its success page. */
  readonly connected?: { readonly request: string; readonly account: string } | undefined
}

export interface Sessions {
  /** undefined when nobody is signed in, or the session is over. Throws `unavailable` when that cannot be known. */
  read(ctx: Context): Promise<Session | undefined>
  /** Whether the session is still good, for a request that takes long. Throws `unavailable` when that cannot be known. */
  isGood(session: Session): Promise<boolean>
  /** Whether this person's sessions were ended after that time: a login that began before makes no new one. */
  isEndedSince(user: Owner, startedAt: number): Promise<boolean>
  /** Begins a new session, and ends the one that the browser brought. Sets the cookie. `loginStartedAt`: when the login began. */
  start(ctx: Context, user: SignedInUser, loginStartedAt?: number): Promise<Session>
  /** Ends the session everywhere, then in this browser. Throws `unavailable`; it is still there then. */
  end(ctx: Context, session: Session): Promise<void>
  /** Seals a changed session into the cookie. */
  keep(ctx: Context, session: Session): void
  /** Drops the cookie of this browser. */
  forget(ctx: Context): void
}

export interface SessionParts {
  readonly site: Site
  readonly sealer: Sealer
  readonly cookies: CookieSealer
  readonly login: Pick<BrowserLogin, 'isRecent'>
  readonly sessions: BrowserSessions
  readonly options: Pick<WebOptions, 'sessionIdleSeconds' | 'sessionMaxSeconds'>
}

const MAX_DISPLAY_NAME = 100
/** Not at every request, yet often enough that the shortest idle limit holds. */
const MOST_BETWEEN_SEALS = 60_000

const sealedSchema = z.strictObject({
  sid: z.string(),
  issuer: z.string(),
  subject: z.string(),
  displayName: z.string().optional(),
  startedAt: z.number(),
  loginStartedAt: z.number(),
  authenticatedAt: z.number().optional(),
  seenAt: z.number(),
  connected: z.strictObject({ request: z.string(), account: z.string() }).optional(),
})

/** Browser sessions: sealed in a cookie, limited by idle time and age, and endable on every replica through `BrowserSessions`. */
export function createSessions({ site, sealer, cookies, login, sessions, options }: SessionParts): Sessions {
  const name = cookieName(site, 'session')
  const idle = options.sessionIdleSeconds * 1000
  const longest = options.sessionMaxSeconds * 1000

  function opened(ctx: Context): Session | undefined {
    const content = sealedSchema.safeParse(cookies.open('session-cookie', requestCookies(ctx.req).get(name)))
    if (!content.success) return undefined
    const { sid, displayName, ...rest } = content.data
    const session = { ...rest, id: sid, displayName }
    return isInTime(session) ? session : undefined
  }

  // The limits may have been lowered since it was sealed.
  function isInTime(session: Session): boolean {
    const now = Date.now()
    if (now >= session.seenAt + idle || now >= session.startedAt + longest) return false
    return login.isRecent?.(session) ?? true
  }

  async function isGood(session: Session): Promise<boolean> {
    const { id, loginStartedAt: startedAt } = session
    return isInTime(session) && !(await sessions.isEnded({ id, owner: ownerName(session), startedAt }))
  }

  function keep(ctx: Context, { id, ...session }: Session): void {
    const expiresAt = Math.min(session.seenAt + idle, session.startedAt + longest)
    setSealedCookie(ctx, site, { name, value: cookies.seal('session-cookie', { sid: id, ...session }, expiresAt) })
  }

  const ownerName = ({ issuer, subject }: Owner) => sealer.mac('owner', issuer, subject).toString('base64url')

  // Remembered until no copy of the cookie can be valid any more.
  const endEverywhere = (session: Session) => sessions.end(session.id, session.startedAt + longest)

  return {
    keep,
    isGood,

    async read(ctx) {
      const session = opened(ctx)
      if (!session || !(await isGood(session))) return undefined
      const now = Date.now()
      if (now - session.seenAt < Math.min(MOST_BETWEEN_SEALS, idle / 4)) return session
      const seen = { ...session, seenAt: now }
      keep(ctx, seen)
      return seen
    },

    isEndedSince: (user, startedAt) => sessions.isEnded({ id: '', owner: ownerName(user), startedAt }),

    async start(ctx, user, loginStartedAt = Date.now()) {
      const former = opened(ctx)
      if (former) await endEverywhere(former)
      const now = Date.now()
      const session: Session = {
        id: randomBytes(16).toString('base64url'),
        issuer: user.issuer,
        subject: user.subject,
        displayName: user.displayName?.slice(0, MAX_DISPLAY_NAME),
        startedAt: now,
        loginStartedAt,
        authenticatedAt: user.authenticatedAt,
        seenAt: now,
      }
      keep(ctx, session)
      return session
    },

    async end(ctx, session) {
      await endEverywhere(session)
      clearCookie(ctx, site, name)
    },

    forget: (ctx) => clearCookie(ctx, site, name),
  }
}
