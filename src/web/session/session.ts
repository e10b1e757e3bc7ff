import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { ownerHashes } from '../../core/crypto/owner-hash.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { BrowserSessions } from '../../core/ports/browser-sessions.ts'
import type { BrowserLogin, SignedInUser } from '../../core/ports/identity.ts'
import type { Site } from '../http/site.ts'
import type { PageSealer, WebOptions } from '../http/web-parts.ts'
import { type CookieSealer, clearedCookie, cookieName, requestCookies, sealedCookie } from './sealed-cookie.ts'

/** The user who is signed in with this browser. Sealed in the cookie; times are Unix milliseconds. */
export interface Session extends Owner {
  readonly id: string
  readonly displayName: string | undefined
  readonly startedAt: number
  /** Time when its login began. If an operator ended this user's sessions after that, this session is ended too. */
  readonly loginStartedAt: number
  readonly seenAt: number
  /** Time of the user's last authentication, if the identity provider states it. */
  readonly authenticatedAt?: number | undefined
  /** The account that the last save verified, for its success page. */
  readonly connected?: { readonly request: string; readonly account: string } | undefined
}

/** The signed-in user, and the `Set-Cookie` lines that extend the session. */
export interface ReadSession {
  readonly session: Session | undefined
  readonly cookies: readonly string[]
}

export interface Sessions {
  /** Returns the session in the cookie, which may have been ended: for work that begins beside the check and gives nothing away. */
  peek(request: IncomingMessage): Session | undefined
  /**
   * Reads the session. It is undefined if no user is signed in or the session is over. Throws `unavailable` if that cannot be checked.
   *
   * @param peeked what {@link peek} has returned. Default: the cookie is opened
   */
  read(request: IncomingMessage, peeked?: Session): Promise<ReadSession>
  /** Whether the session is still valid, for a request that takes long. Throws `unavailable` if that cannot be checked. */
  isGood(session: Session): Promise<boolean>
  /** Whether this user's sessions were ended after that time. A login that began earlier creates no session. */
  isEndedSince(user: Owner, startedAt: number): Promise<boolean>
  /**
   * Begins a new session and ends the one that the browser sent. Resolves to its `Set-Cookie` line.
   *
   * @param loginStartedAt time when the login began
   */
  start(request: IncomingMessage, user: SignedInUser, loginStartedAt?: number): Promise<string>
  /** Ends the session everywhere. Throws `unavailable`, and then the session still exists. */
  end(session: Session): Promise<void>
  /** Returns the `Set-Cookie` line of a changed session. */
  cookieOf(session: Session): string
  /** Returns the `Set-Cookie` line that deletes this browser's cookie. */
  droppedCookie(): string
}

export interface SessionParts {
  readonly site: Site
  readonly sealer: Pick<PageSealer, 'macs'>
  readonly cookies: CookieSealer
  readonly login: Pick<BrowserLogin, 'isRecent'>
  readonly sessions: BrowserSessions
  readonly options: Pick<WebOptions, 'sessionIdleSeconds' | 'sessionMaxSeconds'>
}

const MAX_DISPLAY_NAME = 100
/** Longest time between two seals of the cookie, in milliseconds. Most requests do not seal it again. */
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

/** Creates the browser sessions: sealed in a cookie, limited by idle time and age, and ended on every replica through `BrowserSessions`. */
export function createSessions({ site, sealer, cookies, login, sessions, options }: SessionParts): Sessions {
  const name = cookieName(site, 'session')
  const idle = options.sessionIdleSeconds * 1000
  const longest = options.sessionMaxSeconds * 1000

  function opened(request: IncomingMessage): Session | undefined {
    const content = sealedSchema.safeParse(cookies.open('session-cookie', requestCookies(request).get(name)))
    if (!content.success) return undefined
    const { sid, displayName, ...rest } = content.data
    const session = { ...rest, id: sid, displayName }
    return isInTime(session) ? session : undefined
  }

  // The limits may have been lowered since the cookie was sealed.
  function isInTime(session: Session): boolean {
    const now = Date.now()
    if (now >= session.seenAt + idle || now >= session.startedAt + longest) return false
    return login.isRecent?.(session) ?? true
  }

  async function isGood(session: Session): Promise<boolean> {
    const { id, loginStartedAt: startedAt } = session
    return isInTime(session) && !(await isEnded(session, id, startedAt))
  }

  /** Another replica may have recorded the end under the owner's hash with any of the web keys. */
  async function isEnded(owner: Owner, id: string, startedAt: number): Promise<boolean> {
    const hashes = ownerHashes(sealer, owner)
    const found = await Promise.all(hashes.map((hash) => sessions.isEnded({ id, owner: hash, startedAt })))
    return found.includes(true)
  }

  function cookieOf({ id, ...session }: Session): string {
    const expiresAt = Math.min(session.seenAt + idle, session.startedAt + longest)
    return sealedCookie(site, { name, value: cookies.seal('session-cookie', { sid: id, ...session }, expiresAt) })
  }

  // Stored until no copy of the cookie can be valid any more.
  const endEverywhere = (session: Session) => sessions.end(session.id, session.startedAt + longest)

  return {
    cookieOf,
    isGood,

    peek: opened,

    async read(request, peeked = undefined) {
      const session = peeked ?? opened(request)
      if (!session || !(await isGood(session))) return { session: undefined, cookies: [] }
      const now = Date.now()
      if (now - session.seenAt < Math.min(MOST_BETWEEN_SEALS, idle / 4)) return { session, cookies: [] }
      const seen = { ...session, seenAt: now }
      return { session: seen, cookies: [cookieOf(seen)] }
    },

    isEndedSince: (user, startedAt) => isEnded(user, '', startedAt),

    async start(request, user, loginStartedAt = Date.now()) {
      const former = opened(request)
      if (former) await endEverywhere(former)
      const now = Date.now()
      return cookieOf({
        id: randomBytes(16).toString('base64url'),
        issuer: user.issuer,
        subject: user.subject,
        displayName: user.displayName?.slice(0, MAX_DISPLAY_NAME),
        startedAt: now,
        loginStartedAt,
        authenticatedAt: user.authenticatedAt,
        seenAt: now,
      })
    },

    end: endEverywhere,
    droppedCookie: () => clearedCookie(site, name),
  }
}
