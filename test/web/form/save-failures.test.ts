import { afterEach, expect, test } from 'vitest'
import type { ErrorReason } from '../../../src/core/model/error-reason.ts'
import { CredentialVaultError, type ErrorCode } from '../../../src/core/model/errors.ts'
import type { Verification, VerifyFailure } from '../../../src/core/ports/form-provider.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { type FormServer, GOOD_VALUES, type Link, PAT, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

afterEach(() => server.close())

const fault = (code: ErrorCode, reason?: ErrorReason) =>
  new CredentialVaultError(code, 'CANARY-of-an-error', reason === undefined ? {} : { reason })

async function signedIn(settings: Parameters<typeof startFormServer>[0]): Promise<{ alice: Visitor; link: Link }> {
  server = await startFormServer(settings)
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  return { alice, link }
}

test.each([
  ['unavailable', 'sealed', 'Nothing was saved'],
  ['forbidden', undefined, 'Nothing was saved'],
  ['audit_unavailable', undefined, 'Nothing was saved'],
  ['outcome_unknown', 'timeout', 'It is not known whether this was saved'],
] as const)(
  'a save that fails with %s (%s) says so, keeps what may be kept, and gives the link back',
  async (code, reason, said) => {
    let failing = true
    const saved: unknown[] = []
    const { alice, link } = await signedIn({
      save: async (_key, values) => {
        if (failing) throw fault(code, reason)
        saved.push(values)
      },
    })
    const failed = await alice.submit(link, GOOD_VALUES)
    expect(failed.status).toBe(503)
    expect(failed.text).toContain(`<h2>${said}</h2>`)
    expect(failed.text).toContain(`value="${GOOD_VALUES.site}"`)
    expect(failed.text).not.toContain(PAT)
    expect(failed.text).not.toContain('CANARY-of')
    expect(failed.text).toContain('Enter again: Personal access token')
    expect((await server.pendingRequests.find(link.request.handle))?.state).toBe('open')
    failing = false
    expect((await alice.submit(link, GOOD_VALUES)).status).toBe(303)
    expect(saved).toEqual([GOOD_VALUES])
  },
)

test('an error that nobody foresaw shows a reference, drops every cookie, and is reported without its text', async () => {
  const { alice, link } = await signedIn({
    save: async (_key, { pat }) => {
      throw Object.assign(new Error(`cannot save ${pat}`), { expose: true, status: 418, headers: { 'x-leak': pat } })
    },
    provider: { verify: async () => ({ ok: true, accountName: 'a' }) },
  })
  const failed = await alice.submit(link, GOOD_VALUES)
  expect(failed.status).toBe(500)
  expect(headingOf(failed.text)).toBe('Something went wrong here')
  expect(failed.text).toMatch(/<code>[0-9a-f-]{36}<\/code>/)
  expect(failed.text + JSON.stringify(failed.headers)).not.toContain(PAT)
  expect(failed.headers['set-cookie']).toBeUndefined()
  expect(failed.headers['content-security-policy']).toContain("default-src 'none'")
  expect(failed.headers['cache-control']).toBe('no-store')
  expect(server.errors).toHaveLength(1)
  expect(String(server.errors[0]?.stack)).not.toContain(PAT)
  expect((await server.pendingRequests.find(link.request.handle))?.state).toBe('open')
})

test('when only the closing of the request fails, the save is acknowledged and health is red', async () => {
  const { alice, link } = await signedIn({
    pendingStore: { ...memoryPendingStore(), close: () => Promise.reject(fault('unavailable', 'connection')) },
  })
  const saved = await alice.submit(link, GOOD_VALUES)
  expect(saved.status).toBe(200)
  expect(headingOf(saved.text)).toBe('Jira is connected')
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  expect(server.health.problems().get('pending-store')).toBe('connection')
})

test('a pending store that cannot be reached is an outage, not an unknown link', async () => {
  let failing = false
  const memory = memoryPendingStore()
  const { alice, link } = await signedIn({
    pendingStore: {
      ...memory,
      get: (key) => (failing ? Promise.reject(fault('unavailable', 'connection')) : memory.get(key)),
    },
  })
  failing = true
  const opened = await alice.get(link.entry)
  expect(opened.status).toBe(503)
  expect(headingOf(opened.text)).toBe('This cannot be done right now')
  expect(opened.headers['retry-after']).toBe('10')
  expect(server.health.problems().get('pending-store')).toBe('connection')
  failing = false
  expect((await alice.get(link.entry)).status).toBe(200)
  expect(server.health.problems().size).toBe(0)
})

test('without an audit log nobody is signed in and no form is shown, but refusals stand', async () => {
  let failing = false
  const { alice, link } = await signedIn({
    wrap: {
      audit: (audit) => ({
        ...audit,
        append: (event) => (failing ? Promise.reject(fault('audit_unavailable', 'disk_full')) : audit.append(event)),
      }),
    },
  })
  failing = true
  expect((await alice.get(link.entry)).status).toBe(503)
  expect(server.health.problems().get('audit')).toBe('disk_full')
  const bob = visitorOf(server)
  expect((await bob.signIn('bob', link)).status).toBe(503)
  expect([...bob.cookies.keys()].some((name) => name.endsWith('-session'))).toBe(false)
  expect((await alice.post(link.submit, {}, { origin: 'null' })).status).toBe(403)
})

test('sessions that cannot be looked up let nobody in', async () => {
  let failing = false
  const { alice, link } = await signedIn({
    sessions: {
      end: async () => {},
      endAll: async () => {},
      isEnded: async () => {
        if (failing) throw fault('unavailable', 'connection')
        return false
      },
      useLogin: async () => {},
      isLoginUsed: async () => false,
    },
  })
  failing = true
  expect((await alice.get(link.entry)).status).toBe(503)
  expect((await alice.post(link.submit, GOOD_VALUES)).status).toBe(503)
})

test('the service may refuse the values, or not answer: nothing is saved and the link stays open', async () => {
  let verification: Verification | VerifyFailure = { ok: false, problem: 'Jira does not know this token.' }
  const { alice, link } = await signedIn({
    provider: {
      verify: async () => verification,
    },
  })
  const refused = await alice.submit(link, GOOD_VALUES)
  expect(refused.status).toBe(422)
  expect(refused.text).toContain('Jira does not know this token.')
  expect(refused.text).toContain('<title>Error: Connect Jira')
  verification = { ok: 'unknown', reason: 'timeout', detail: 'It took too long.', passing: true, fields: new Map() }
  const unanswered = await alice.submit(link, GOOD_VALUES)
  expect(unanswered.status).toBe(503)
  expect(unanswered.text).toContain('This credential could not be checked with Jira')
  expect(await server.stored('alice')).toBe('absent')
  verification = { ok: true, accountName: 'alice@acme.example' }
  expect((await alice.submit(link, GOOD_VALUES)).status).toBe(303)
  const done = await alice.get(link.done)
  expect(done.text).toContain('alice@acme.example')
  const reasons = server.audit.events.filter(({ type }) => type.startsWith('credential.verif'))
  expect(reasons.map(({ type, outcome, reason }) => [type, outcome, reason])).toEqual([
    ['credential.verification_failed', 'failure', 'refused'],
    ['credential.verification_failed', 'error', 'timeout'],
    ['credential.verified', 'success', undefined],
  ])
})

test('the identity provider is away: an outage with a way to try again', async () => {
  server = await startFormServer()
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  const callback = await alice.signInUpToCallback('alice', link)
  server.provider?.stopAnswering({ path: '/token' })
  const failed = await alice.get(callback)
  expect(failed.status).toBe(503)
  expect(failed.text).toContain('cannot be reached')
  expect(failed.text).toContain(`name="t" value="${link.request.handle}"`)
  expect(server.health.problems().has('identity')).toBe(true)
  server.provider?.startAnswering()
  expect((await alice.signIn('alice', link)).status).toBe(303)
  expect(server.health.problems().size).toBe(0)
})

test('somebody who turns back at the identity provider is told so', async () => {
  server = await startFormServer()
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  const state = new URLSearchParams((await alice.signInUpToCallback('alice', link)).split('?')[1])
  const query = new URLSearchParams({
    error: 'access_denied',
    error_description: '<b>a text of the issuer</b>',
    state: state.get('state') ?? '',
    iss: server.issuer,
  })
  const denied = await alice.get(`/credentials/callback?${query}`)
  expect(denied.status).toBe(400)
  expect(headingOf(denied.text)).toBe('You did not sign in')
  expect(denied.text).not.toContain('text of the issuer')
  expect(alice.cookies.size).toBe(0)
  expect(server.audit.events.at(-1)).toMatchObject({ type: 'login.failed', reason: 'denied' })
})
