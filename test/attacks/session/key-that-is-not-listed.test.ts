import { randomBytes } from 'node:crypto'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { createSealer, type WebKeys } from '../../../src/core/crypto/seal.ts'
import { createPendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { endSessionsOf } from '../../../src/web/session/end-sessions.ts'
import { type FormServer, startFormServer, WEB_KEY } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

// One address and one identity provider: only the web keys differ.
const serverBaseUrl = 'http://localhost:39993'
const newKey = randomBytes(32)
const opened: FormServer[] = []
afterEach(async () => {
  for (const server of opened.splice(0).reverse()) await server.close()
})

async function start(options: Parameters<typeof startFormServer>[0]): Promise<FormServer> {
  const server = await startFormServer(options)
  opened.push(server)
  return server
}

test.each<[string, WebKeys, Uint8Array, string]>([
  ['the current key', [newKey], newKey, 'Connect Jira'],
  ['an accepted key that is listed', [newKey, WEB_KEY], WEB_KEY, 'Connect Jira'],
  ['the next key, which is listed already', [WEB_KEY, newKey], newKey, 'Connect Jira'],
  ['an accepted key that is not listed any more', [newKey], WEB_KEY, 'Sign in to continue'],
  ['a key that never was', [newKey, WEB_KEY], randomBytes(32), 'Sign in to continue'],
])('a cookie sealed with %s', async (_, webKeys, key, heading) => {
  const maker = await start({ serverBaseUrl, webKeys: [key] })
  const sharedProvider = maker.provider
  if (!sharedProvider) throw new Error('There is no identity provider.')
  // Their sessions began after the start of the reader.
  const reader = await start({ serverBaseUrl, webKeys, sharedProvider })
  const alice = visitorOf(maker)
  await alice.signIn('alice', await maker.ask('alice'))
  const cookie = [...alice.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const page = await reader.send({ path: (await reader.ask('alice')).entry, headers: { cookie } })
  expect(headingOf(page.text)).toBe(heading)
})

test.each<[string, WebKeys, boolean]>([
  ['opens nothing, in the words for any other link, if its key is not listed any more', [newKey], false],
  ['opens the form if its key is listed', [newKey, WEB_KEY], true],
])('a link made with an old key %s', async (_, webKeys, opens) => {
  const pendingStore = memoryPendingStore()
  onTestFinished(() => pendingStore.shutdown())
  const server = await start({ webKeys, pendingStore })
  const visitor = visitorOf(server)
  await visitor.signIn('alice', await server.ask('alice'))
  const known = await server.ask('alice')
  // The request is in the store that the server reads, sealed with the old key.
  const { handle } = await createPendingRequests({ store: pendingStore, sealer: createSealer(WEB_KEY) }).openOrReuse({
    provider: 'jira',
    user: { issuer: server.issuer, subject: 'alice', clientId: 'another client' },
    clientName: undefined,
    tool: undefined,
    cause: 'absent',
  })
  const page = await visitor.get(known.entry.replace(known.request.handle, handle))
  const unknown = await visitor.get(known.entry.replace(known.request.handle, randomBytes(32).toString('base64url')))
  expect(unknown.status).toBe(403)
  if (opens) expect([page.status, headingOf(page.text)]).toEqual([200, 'Connect Jira'])
  else expect([page.status, headingOf(page.text)]).toEqual([403, headingOf(unknown.text)])
})

test('sessions that a replica ended before the change stay ended after it', async () => {
  const sessions = memoryBrowserSessions()
  const server = await start({ webKeys: [newKey, WEB_KEY], sessions })
  const alice = visitorOf(server)
  const link = await server.ask('alice')
  await alice.signIn('alice', link)
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Connect Jira')
  const owner = { issuer: server.issuer, subject: 'alice' }
  await endSessionsOf({ sessions, sealer: createSealer(WEB_KEY), options: { sessionMaxSeconds: 3600 } }, owner)
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Sign in to continue')
})
