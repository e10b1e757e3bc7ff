import { randomBytes } from 'node:crypto'
import type { Context } from 'koa'
import { z } from 'zod'
import type { BrowserSessions } from '../core/browser-sessions.ts'
import type { Owner, User } from '../core/owner.ts'
import type { Sealer } from '../core/seal.ts'
import { clearCookie, cookieName, openCookie, requestCookies, setSealedCookie } from './sealed-cookie.ts'
import type { Site } from './site.ts'
import type { WebOptions } from './web-parts.ts'

/** Who is signed in with this browser. Sealed in the cookie; times are Unix milliseconds. */
export interface Session extends Owner {
  readonly id: string
  readonly displayName: string | undefined
  readonly startedAt: number
  readonly seenAt: number
  /** What the last save found out about the account, for its success page. */
  readonly connected?: { readonly request: string; readonly account: string } | undefined
}

export interface Sessions {
  /** undefined when nobody is signed in, or the session is over. Throws `unavailable` when that cannot be known. */
  read(ctx: Context): Promise<Session | undefined>
  /** Whether this person's sessions were ended after that time: a login that began before makes no new one. */
  isEndedSince(user: Owner, startedAt: number): Promise<boolean>
  /** Begins a new session, and ends the one that the browser brought. Sets the cookie. */
  start(ctx: Context, user: User): Promise<Session>
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
  seenAt: z.number(),
  connected: z.strictObject({ request: z.string(), account: z.string() }).optional(),
})

/** Browser sessions: sealed in a cookie, limited by idle time and age, and endable on every replica through `BrowserSessions`. */
export function createSessions({ site, sealer, sessions, options }: SessionParts): Sessions {
  const name = cookieName(site, 'session')
  const idle = options.sessionIdleSeconds * 1000
  const longest = options.sessionMaxSeconds * 1000

  function opened(ctx: Context): Session | undefined {
    const content = sealedSchema.safeParse(openCookie(sealer, 'session-cookie', requestCookies(ctx.req).get(name)))
    if (!content.success) return undefined
    const { sid, displayName, ...rest } = content.data
    const now = Date.now()
    // The limits may have been lowered since it was sealed.
    if (now >= rest.seenAt + idle || now >= rest.startedAt + longest) return undefined
    return { ...rest, id: sid, displayName }
  }

  function keep(ctx: Context, { id, ...session }: Session): void {
    const expiresAt = Math.min(session.seenAt + idle, session.startedAt + longest)
    setSealedCookie(ctx, site, { name, value: sealer.seal('session-cookie', { sid: id, ...session }, expiresAt) })
  }

  const ownerName = ({ issuer, subject }: Owner) => sealer.mac('owner', issuer, subject).toString('base64url')

  // Remembered until no copy of the cookie can be valid any more.
  const endEverywhere = (session: Session) => sessions.end(session.id, session.startedAt + longest)

  return {
    keep,

    async read(ctx) {
      const session = opened(ctx)
      if (!session) return undefined
      const { id, issuer, subject, startedAt } = session
      if (await sessions.isEnded({ id, owner: ownerName({ issuer, subject }), startedAt })) return undefined
      const now = Date.now()
      if (now - session.seenAt < Math.min(MOST_BETWEEN_SEALS, idle / 4)) return session
      const seen = { ...session, seenAt: now }
      keep(ctx, seen)
      return seen
    },

    isEndedSince: (user, startedAt) => sessions.isEnded({ id: '', owner: ownerName(user), startedAt }),

    async start(ctx, user) {
      const former = opened(ctx)
      if (former) await endEverywhere(former)
      const now = Date.now()
      const session: Session = {
        id: randomBytes(16).toString('base64url'),
        issuer: user.issuer,
        subject: user.subject,
        displayName: user.displayName?.slice(0, MAX_DISPLAY_NAME),
        startedAt: now,
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
