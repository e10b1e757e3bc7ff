import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { Verification, VerifyFailure } from '../../../src/core/ports/form-provider.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { type AccountServer, MANAGE_URL, rowOf, startAccountServer } from '../../harness/browser/account-server.ts'
import { GOOD_VALUES, type Link, PAT } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: AccountServer
let alice: Visitor
let answer: Verification | VerifyFailure
let asked: unknown[]

beforeEach(() => {
  answer = { ok: true, accountName: 'alice@acme.example' }
  asked = []
})
afterEach(() => server.close())

async function open(settings: Parameters<typeof startAccountServer>[0] = {}): Promise<void> {
  server = await startAccountServer({
    ...settings,
    provider: {
      verify: async (values) => {
        asked.push(values)
        return answer
      },
      ...settings.provider,
    },
  })
  alice = visitorOf(server)
  await alice.signInToAccount('alice')
}

const linesOf = (...types: string[]) => server.audit.events.filter(({ type }) => types.includes(type))
const jira = async () => rowOf((await alice.get('/credentials')).text, 'Jira')

/** The form that an answer leads to. */
function linkTo(location: string | undefined): Link {
  const { pathname, searchParams } = new URL(location ?? '')
  expect(pathname).toBe('/credentials/jira/entry')
  const path = (page: string) => `/credentials/jira/${page}?t=${searchParams.get('t')}`
  const paths = { entry: path('entry'), submit: path('submit'), cancel: path('cancel'), done: path('done') }
  return { ...paths, request: { handle: searchParams.get('t') ?? '' } as Link['request'] }
}

describe('Connect and Replace', () => {
  test('lead to the form that a tool call would lead to, and from its success page back', async () => {
    await open()
    const link = linkTo((await alice.press('/credentials/jira/connect')).headers.location)
    const form = await alice.get(link.entry)
    expect(form.text).toContain('Enter your own Jira credential. You enter it once')
    expect(form.text).not.toContain('Your assistant needs')
    expect((await alice.submit(link, GOOD_VALUES)).headers.location).toContain('/done')
    const done = await alice.get(link.done)
    expect(done.text).toContain('Your assistant uses it from now on.')
    expect(done.text).toContain('<a class="button primary" href="/credentials">Your credentials</a>')
    expect(await jira()).toMatch(/^Jira Connected Account at Jira alice@acme\.example/)
    expect(linesOf('credential.requested')).toMatchObject([
      { outcome: 'success', reason: 'absent', owner: { subject: 'alice' }, provider: 'jira' },
    ])
    expect(linesOf('credential.requested')[0]?.tool).toBeUndefined()
  })

  test('replace a working credential, which stays until the new one is saved', async () => {
    await open()
    await server.save('alice')
    const link = linkTo((await alice.press('/credentials/jira/connect')).headers.location)
    const form = await alice.get(link.entry)
    expect(form.text).toContain('Once it is saved, it replaces the one that is stored now.')
    expect(form.text).not.toContain(PAT)
    const cancelled = await alice.post(link.cancel, { 'csrf-token': csrfOf(form.text, link) })
    expect(cancelled.text).toContain('nothing has changed for Jira')
    expect(await server.stored('alice')).toEqual(GOOD_VALUES)
    const again = linkTo((await alice.press('/credentials/jira/connect')).headers.location)
    await alice.submit(again, { ...GOOD_VALUES, pat: 'another-token' })
    expect(await server.stored('alice')).toEqual({ ...GOOD_VALUES, pat: 'another-token' })
  })

  test("wake a tool call of the same person that waits for another client's link", async () => {
    await open()
    const user = { issuer: server.issuer, subject: 'alice', clientId: 'claude' }
    const waiting = await server.pendingRequests.openOrReuse(
      { provider: 'jira', user, cause: 'absent' },
      { waits: true },
    )
    const isSaved = async () => (await server.stored('alice')) !== 'absent'
    const end = server.pendingRequests.wait(waiting, isSaved, AbortSignal.timeout(5_000))
    await alice.submit(linkTo((await alice.press('/credentials/jira/connect')).headers.location), GOOD_VALUES)
    expect(await end).toBe('saved')
  })

  test('say so when too many forms are open', async () => {
    await open({ pendingStore: memoryPendingStore({ maxOpenPerOwner: 1 }) })
    await alice.press('/credentials/jira/connect')
    const full = await alice.press('/credentials/notion/connect')
    expect([full.status, headingOf(full.text)]).toEqual([503, 'Too many forms are open'])
    expect(server.health.problems().size).toBe(0)
  })
})

describe('Test', () => {
  test('sends the stored values to the service, and shows that it accepts them', async () => {
    await open()
    await server.save('alice')
    const { status, text } = await alice.press('/credentials/jira/test')
    expect(status).toBe(200)
    expect(text).toMatch(/<div class="notice success" role="status"[^>]*>\s*<h2>Jira accepts your credential/)
    expect(text).toContain('The account is alice@acme.example.')
    expect(asked).toEqual([GOOD_VALUES])
    expect(text).not.toContain(PAT)
    expect(linesOf('credential.resolved', 'credential.verified')).toMatchObject([
      { owner: { subject: 'alice' }, provider: 'jira', version: '1' },
      { owner: { subject: 'alice' }, provider: 'jira', version: '1' },
    ])
  })

  test('puts a refused credential out of use, and its owner can undo that', async () => {
    await open()
    await server.save('alice')
    answer = { ok: false, problem: 'Jira says that this token is unknown.' }
    const { text } = await alice.press('/credentials/jira/test')
    expect(text).toMatch(/<div class="notice error" role="alert"[^>]*>\s*<h2>Jira does not accept your credential/)
    expect(text).toContain('Jira says that this token is unknown.')
    expect(text).toContain('Your assistant does not use it any more.')
    expect(rowOf(text, 'Jira')).toMatch(/^Jira Rejected by Jira .* Replace Jira Use it again Jira Revoke Jira$/)

    const undone = await alice.press('/credentials/jira/reinstate')
    expect(undone.text).toContain('Your Jira credential is in use again')
    expect(rowOf(undone.text, 'Jira')).toMatch(/^Jira Connected/)
    expect(await server.stored('alice')).toEqual(GOOD_VALUES)
    expect(linesOf('credential.rejected', 'credential.reinstated')).toMatchObject([
      { owner: { subject: 'alice' }, version: '1' },
      { owner: { subject: 'alice' }, version: '1' },
    ])
  })

  test('without a verdict tells the user what to do, and the operator what happened', async () => {
    await open()
    await server.save('alice')
    const fields = new Map()
    answer = { ok: 'unknown', reason: 'service_timeout', detail: 'no answer', passing: true, fields }
    const passing = await alice.press('/credentials/jira/test')
    expect(passing.text).toContain('<h2>Jira could not be asked</h2>')
    expect(passing.text).toContain('Try again in a moment.')
    answer = { ok: 'unknown', reason: 'unexpected', detail: 'TypeError', passing: false, fields }
    const lasting = await alice.press('/credentials/jira/test')
    const reference = /Reference for the people who run this server: <code>([^<]+)</.exec(lasting.text)?.[1]
    expect(server.warnings.at(-1)).toBe(`jira: verify failed: TypeError (unexpected, correlation id ${reference})`)
    expect(await jira()).toMatch(/^Jira Connected/)
  })

  test.each([
    ['There is no Jira credential to test', new CredentialVaultError('credential_absent', 'x')],
    ['Your Jira credential is incomplete or damaged', new CredentialVaultError('credential_malformed', 'x')],
    ['Your Jira credential could not be tested', new CredentialVaultError('unavailable', 'x')],
    ['Your Jira credential could not be tested', new CredentialVaultError('unauthenticated', 'x')],
  ])('says "%s" when the values cannot be read, and still shows the list', async (words, error) => {
    await open()
    await server.save('alice')
    const { text } = await alice.get('/credentials')
    const backend = server.backend
    backend.read = async () => {
      throw error
    }
    server.credentials.forget(server.keyOf('alice'))
    const token = /action="\/credentials\/jira\/test">\s*<input type="hidden" name="csrf-token" value="([^"]+)"/.exec(
      text,
    )
    const tested = await alice.post('/credentials/jira/test', { 'csrf-token': token?.[1] ?? '' })
    expect(tested.text).toContain(`<h2>${words}</h2>`)
    expect(rowOf(tested.text, 'Jira')).toMatch(/^Jira Connected/)
    expect(asked).toEqual([])
  })
})

describe('Revoke', () => {
  test('asks first, and then shows where the token itself is deleted', async () => {
    await open()
    await server.save('alice')
    const asks = await alice.get('/credentials/jira/revoke')
    expect(headingOf(asks.text)).toBe('Revoke your Jira credential?')
    expect(await server.stored('alice')).toEqual(GOOD_VALUES)
    const { text } = await alice.press('/credentials/jira/revoke', '/credentials/jira/revoke')
    expect(headingOf(text)).toBe('Your Jira credential is revoked')
    expect(text).toContain(`<a class="button primary" href="${MANAGE_URL}">Delete it at Jira</a>`)
    expect(await server.stored('alice')).toBe('absent')
    expect(await jira()).toBe('Jira Revoked Connect Jira')
    expect(linesOf('credential.revoked')).toMatchObject([{ owner: { subject: 'alice' }, outcome: 'success' }])
    expect((await alice.get('/credentials/jira/revoke')).headers.location).toBe(`${server.baseUrl.origin}/credentials`)
  })

  test('says what is not known when the store does not answer', async () => {
    await open()
    await server.save('alice')
    const page = (await alice.get('/credentials/jira/revoke')).text
    const token = /name="csrf-token" value="([^"]+)">\s*<button class="button primary"/.exec(page)?.[1] ?? ''
    for (const [code, heading] of [
      ['outcome_unknown', 'It is not known whether this was revoked'],
      ['forbidden', 'This was not revoked'],
    ] as const) {
      server.backend.revoke = async () => {
        throw new CredentialVaultError(code, 'x')
      }
      const { status, text } = await alice.post('/credentials/jira/revoke', { 'csrf-token': token })
      expect([status, headingOf(text)]).toEqual([503, heading])
    }
    expect(linesOf('credential.revoke_failed')).toHaveLength(2)
  })
})

test('"Sign out everywhere" ends the sessions of all browsers of that person, and of nobody else', async () => {
  await open()
  const phone = visitorOf(server)
  const bob = visitorOf(server)
  await phone.signInToAccount('alice')
  await bob.signInToAccount('bob')
  const out = await alice.press('/credentials/sign-out-everywhere')
  expect(headingOf(out.text)).toBe('You are signed out everywhere')
  expect(out.headers['clear-site-data']).toBe('"cache", "storage"')
  for (const browser of [alice, phone]) {
    expect(headingOf((await browser.get('/credentials')).text)).toBe('Sign in to see your credentials')
  }
  expect(headingOf((await bob.get('/credentials')).text)).toBe('Your credentials')
  expect(linesOf('login.ended')).toMatchObject([{ reason: 'signed_out_everywhere', owner: { subject: 'alice' } }])
  await alice.signInToAccount('alice')
  expect(headingOf((await alice.get('/credentials')).text)).toBe('Your credentials')
})

test('without a login the page is one press away, and nobody is told to sign in', async () => {
  const serverBaseUrl = new URL('http://localhost:1')
  const warn = () => undefined
  const identity = await localUser({ name: 'alice' }).open({ serverBaseUrl, callbackUrl: serverBaseUrl, warn })
  server = await startAccountServer({ identity: () => identity })
  const visitor = visitorOf(server)
  const first = await visitor.get('/credentials')
  expect(headingOf(first.text)).toBe('Continue to your credentials')
  expect(first.text).toContain('Local mode, without a login')
  expect(first.text.replace(/Local mode[^<]*/, '')).not.toMatch(/sign(ed)? in/i)
  const pressed = await visitor.post('/credentials/login', { to: 'account' })
  expect(pressed.headers.location).toBe(`${server.baseUrl.origin}/credentials`)
  expect(headingOf((await visitor.get('/credentials')).text)).toBe('Your credentials')
})
