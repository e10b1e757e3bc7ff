import { randomBytes } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { openReference, sealReference } from '../../../src/core/credentials/credential-reference.ts'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { csrfToken, csrfTokenMatches } from '../../../src/web/http/csrf.ts'
import { siteOf } from '../../../src/web/http/site.ts'
import { createLoginCookies } from '../../../src/web/session/login-cookie.ts'
import { cookieName, createCookieSealer, requestCookies } from '../../../src/web/session/sealed-cookie.ts'
import { createSessions } from '../../../src/web/session/session.ts'
import { mustHold, target } from '../target.ts'
import { anyJson, anyValue, headerLike, textLike } from '../texts.ts'

await sodiumReady()
const sealer = createSealer(randomBytes(32))
const later = Date.now() + 86_400_000
const owner = { issuer: 'https://login.example.com', subject: 'alice' }
const PURPOSES = ['session-cookie', 'login-cookie', 'reference', 'pending-request'] as const

const sealedTexts = PURPOSES.map((purpose) => [purpose, sealer.seal(purpose, { purpose }, later)] as const)
const reference = sealReference(sealer, { provider: 'jira', owner, call: 'c1' }, later)

const site = siteOf(new URL('https://mcp.example.com'))
const cookies = createCookieSealer(sealer, site)
const sessions = createSessions({
  site,
  sealer,
  cookies,
  login: {},
  sessions: memoryBrowserSessions(),
  options: { sessionIdleSeconds: 900, sessionMaxSeconds: 3600 },
})
const logins = createLoginCookies(site, cookies)

function requestWith(cookie: string): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  request.headers.cookie = headerLike(cookie)
  return request
}

/** What a browser sends back. */
function sentBack(lines: readonly string[]): string {
  return lines.map((line) => line.split(';')[0]).join('; ')
}

const target1 = { provider: 'jira', handle: 'h'.repeat(43) }
const sessionCookie = sentBack([await sessions.start(requestWith(''), { ...owner, displayName: 'Alice' })])
const loginOf = (state: string) => ({ transaction: { state }, target: target1, startedAt: Date.now() })
const loginCookie = sentBack(logins.cookiesFor(requestWith(''), 'state-1', loginOf('state-1')))
const crowd = Array.from({ length: 5 }, (_, i) => `${cookieName(site, 'login-')}${i}=x`).join('; ')

export const sealed = [
  target(
    'sealed text',
    fc.tuple(fc.constantFrom(...PURPOSES), textLike(...sealedTexts.map(([, text]) => text))),
    ([purpose, text]) => {
      const opened = sealer.open(purpose, text)
      const isOurs = sealedTexts.some(([ours, whole]) => ours === purpose && whole === text)
      mustHold((opened !== undefined) === isOurs, 'a text opens that was not sealed so')
    },
    { weight: 50 },
  ),
  target(
    'sealed content of another shape',
    anyJson,
    (value) => {
      const content = typeof value === 'object' && value !== null ? value : { value }
      const text = sealer.seal('reference', content, later)
      mustHold(openReference(sealer, text, new Set(['jira']), owner) === undefined, 'a reference without a person')
    },
    { weight: 10 },
  ),
  target(
    'credential reference',
    fc.tuple(textLike(reference), textLike('jira'), textLike('alice')),
    ([text, provider, subject]) => {
      const opened = openReference(sealer, text, new Set([provider]), { ...owner, subject })
      const isOurs = text === reference && provider === 'jira' && subject === 'alice'
      mustHold((opened !== undefined) === isOurs, "somebody else's reference")
    },
    { weight: 40 },
  ),
  target(
    'session cookie',
    textLike(sessionCookie, `a=b; ${sessionCookie}; c=d`, `${sessionCookie}; ${sessionCookie}`),
    async (cookie) => {
      const request = requestWith(cookie)
      const { session } = await sessions.read(request)
      const [name = '', value] = sessionCookie.split('=')
      const isOurs = requestCookies(request).get(name) === value
      mustHold((session !== undefined) === isOurs, 'another session')
      if (session) mustHold(session.subject === 'alice', "somebody else's session")
    },
    { weight: 40 },
  ),
  target(
    'login cookies',
    fc.tuple(textLike(loginCookie, `${loginCookie}; ${crowd}`, crowd), textLike('state-1')),
    ([cookie, state]) => {
      const request = requestWith(cookie)
      const found = logins.find(request, state)
      if (found) mustHold(isDeepStrictEqual(found.target, target1) && state === 'state-1', 'another login')
      const set = [
        ...logins.cookiesFor(request, 'state-2', loginOf('state-2')),
        ...logins.cleared(state),
        ...logins.allCleared(request),
      ]
      mustHold(
        set.every((line) => /^[^;=]+=[\w-]*; Path=\/; HttpOnly; SameSite=Lax; Secure/.test(line)),
        'a loose cookie',
      )
    },
    { weight: 20 },
  ),
  target(
    'CSRF token',
    fc.oneof(textLike(csrfToken(sealer, 's', 'sign-out')), anyValue()),
    (given) => {
      const isOurs = given === csrfToken(sealer, 's', 'sign-out')
      mustHold(csrfTokenMatches(sealer, 's', 'sign-out', given) === isOurs, 'another token')
    },
    { weight: 30 },
  ),
]
