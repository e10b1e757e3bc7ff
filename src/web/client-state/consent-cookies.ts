import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { Site } from '../http/site.ts'
import { type CookieSealer, clearedCookie, cookieName, requestCookies, sealedCookie } from '../session/sealed-cookie.ts'
import { isOnThisComputer } from './redirect-uri.ts'

/** Seconds for which a consent page can be answered, and within which a login must be finished. */
export const CLIENT_LOGIN_SECONDS = 600
const MAX_OPEN_LOGINS = 5
const MAX_REMEMBERED = 10

const browserSchema = z.strictObject({ kind: z.literal('browser'), id: z.string() })
const loginSchema = z.strictObject({ kind: z.literal('login'), nonce: z.string(), at: z.number() })
const consentSchema = z.strictObject({ kind: z.literal('consent'), to: z.string(), at: z.number() })

/** The client, the place to which it is sent back, and the scopes: what a remembered consent is bound to. */
export interface ConsentTarget {
  readonly digest: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
}

/** Creates the cookies that tie a client's login to one browser. Each is sealed, and on https locked to the host. */
export function createConsentCookies(site: Site, sealer: CookieSealer, rememberSeconds: number) {
  const browserName = cookieName(site, 'client-browser')
  const loginPrefix = cookieName(site, 'client-login-')
  const consentPrefix = cookieName(site, 'client-consent-')

  const opened = <T extends z.ZodType>(schema: T, value: string | undefined): z.output<T> | undefined => {
    const content = schema.safeParse(sealer.open('client-cookie', value))
    return content.success ? content.data : undefined
  }
  const cookie = (name: string, content: object, seconds: number) =>
    sealedCookie(site, {
      name,
      value: sealer.seal('client-cookie', content, Date.now() + seconds * 1000),
      maxAge: seconds,
    })

  /** Drops the oldest cookies of one kind, and first those that do not open. */
  function evicted(
    request: IncomingMessage,
    { prefix, most, keep }: { prefix: string; most: number; keep: string },
    schema: typeof loginSchema | typeof consentSchema,
  ): readonly string[] {
    return [...requestCookies(request)]
      .filter(([name]) => name.startsWith(prefix) && name !== keep)
      .map(([name, value]) => ({ name, at: opened(schema, value)?.at ?? 0 }))
      .sort((a, b) => b.at - a.at)
      .slice(most - 1)
      .map(({ name }) => clearedCookie(site, name))
  }

  const loginName = (nonce: string) => loginPrefix + shortHash(nonce)
  const targetOf = ({ digest, redirectUri, scopes }: ConsentTarget) =>
    JSON.stringify([digest, redirectUri, [...scopes].sort()])
  const consentName = (target: ConsentTarget) => consentPrefix + shortHash(targetOf(target))
  /** Any program can listen on loopback, and any application can claim a scheme. Only https names one receiver. */
  const isMemorable = ({ redirectUri }: ConsentTarget) =>
    rememberSeconds > 0 && redirectUri.startsWith('https://') && !isOnThisComputer(redirectUri)

  const browserId = (request: IncomingMessage): string | undefined =>
    opened(browserSchema, requestCookies(request).get(browserName))?.id

  return {
    /** Returns the id of this browser, to which a consent form is bound, and the line that keeps it. */
    browser(request: IncomingMessage): { readonly id: string; readonly cookies: readonly string[] } {
      const id = browserId(request) ?? randomBytes(16).toString('base64url')
      return { id, cookies: [cookie(browserName, { kind: 'browser', id }, CLIENT_LOGIN_SECONDS)] }
    },

    browserId,

    /** Returns the lines that let this browser, and no other, finish the login of this nonce. */
    begun(request: IncomingMessage, nonce: string): readonly string[] {
      const name = loginName(nonce)
      const line = cookie(name, { kind: 'login', nonce, at: Date.now() }, CLIENT_LOGIN_SECONDS)
      return [...evicted(request, { prefix: loginPrefix, most: MAX_OPEN_LOGINS, keep: name }, loginSchema), line]
    },

    hasBegun: (request: IncomingMessage, nonce: string): boolean =>
      opened(loginSchema, requestCookies(request).get(loginName(nonce)))?.nonce === nonce,

    ended: (nonce: string): readonly string[] => [clearedCookie(site, loginName(nonce))],

    remembers(request: IncomingMessage, target: ConsentTarget): boolean {
      if (!isMemorable(target)) return false
      const consent = opened(consentSchema, requestCookies(request).get(consentName(target)))
      // The number of days may have been lowered since.
      return consent?.to === targetOf(target) && Date.now() < consent.at + rememberSeconds * 1000
    },

    remembered(request: IncomingMessage, target: ConsentTarget): readonly string[] {
      if (!isMemorable(target)) return []
      const name = consentName(target)
      const line = cookie(name, { kind: 'consent', to: targetOf(target), at: Date.now() }, rememberSeconds)
      return [...evicted(request, { prefix: consentPrefix, most: MAX_REMEMBERED, keep: name }, consentSchema), line]
    },
  }
}

export type ConsentCookies = ReturnType<typeof createConsentCookies>

function shortHash(text: string): string {
  return createHash('sha256').update(`client ${text}`).digest('hex').slice(0, 12)
}
