import { randomBytes } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { createSealer, type WebKeys } from '../../../src/core/crypto/seal.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { siteOf } from '../../../src/web/http/site.ts'
import { endSessionsOf } from '../../../src/web/session/end-sessions.ts'
import { cookieName, createCookieSealer } from '../../../src/web/session/sealed-cookie.ts'
import { type FormServer, startFormServer, WEB_KEY } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

const newKey = randomBytes(32)
let server: FormServer
afterEach(() => server.close())

/** As someone who holds this key may seal one. */
async function headingWithCookieOf(key: Uint8Array): Promise<string> {
  const link = await server.ask('alice')
  const visitor = visitorOf(server)
  const site = siteOf(server.baseUrl)
  const now = Date.now()
  const session = {
    sid: 'forged',
    issuer: server.issuer,
    subject: 'alice',
    startedAt: now,
    loginStartedAt: now,
    authenticatedAt: Math.floor(now / 1000),
    seenAt: now,
  }
  const value = createCookieSealer(createSealer(key), site).seal('session-cookie', session, now + 60_000)
  visitor.cookies.set(cookieName(site, 'session'), value)
  return headingOf((await visitor.get(link.entry)).text)
}

test.each<[string, WebKeys, Uint8Array, string]>([
  ['the current key', [newKey], newKey, 'Connect Jira'],
  ['a previous key that is listed', [newKey, WEB_KEY], WEB_KEY, 'Connect Jira'],
  ['a previous key that is not listed any more', [newKey], WEB_KEY, 'Sign in to continue'],
  ['a key that never was', [newKey, WEB_KEY], randomBytes(32), 'Sign in to continue'],
])('a cookie sealed with %s', async (_, webKeys, key, heading) => {
  server = await startFormServer({ webKeys })
  expect(await headingWithCookieOf(key)).toBe(heading)
})

test('a link made with a key that is not listed any more is refused in the words for any other link', async () => {
  server = await startFormServer({ webKeys: [newKey] })
  const visitor = visitorOf(server)
  await visitor.signIn('alice', await server.ask('alice'))
  const link = await server.ask('alice')
  const handle = createSealer(WEB_KEY).mac('link', link.request.key).toString('base64url')
  const forged = await visitor.get(link.entry.replace(link.request.handle, handle))
  const unknown = await visitor.get(link.entry.replace(link.request.handle, randomBytes(32).toString('base64url')))
  expect(forged.status).toBe(403)
  expect(headingOf(forged.text)).toBe(headingOf(unknown.text))
})

test('sessions that a replica ended before the change stay ended after it', async () => {
  const sessions = memoryBrowserSessions()
  server = await startFormServer({ webKeys: [newKey, WEB_KEY], sessions })
  const alice = visitorOf(server)
  const link = await server.ask('alice')
  await alice.signIn('alice', link)
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Connect Jira')
  const owner = { issuer: server.issuer, subject: 'alice' }
  await endSessionsOf({ sessions, sealer: createSealer(WEB_KEY), options: { sessionMaxSeconds: 3600 } }, owner)
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Sign in to continue')
})
