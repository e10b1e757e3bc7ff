import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AccountServer, startAccountServer } from '../../harness/browser/account-server.ts'
import { GOOD_VALUES } from '../../harness/browser/form-server.ts'
import { accountToken, headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

const LIST_BUTTONS = ['/credentials/jira/test', '/credentials/jira/connect', '/credentials/sign-out-everywhere']

let server: AccountServer
let alice: Visitor
let verified = 0

beforeEach(async () => {
  verified = 0
  server = await startAccountServer({
    provider: {
      verify: async () => {
        verified += 1
        return { ok: true }
      },
    },
  })
  await server.save('alice')
  alice = visitorOf(server)
  await alice.signInToAccount('alice')
})
afterEach(() => server.close())

async function tokens(): Promise<ReadonlyMap<string, string>> {
  const { text } = await alice.get('/credentials')
  const confirm = (await alice.get('/credentials/jira/revoke')).text
  return new Map([
    ...LIST_BUTTONS.map((action) => [action, accountToken(text, action)] as const),
    ['/credentials/jira/revoke', accountToken(confirm, '/credentials/jira/revoke')],
  ])
}

async function expectRefused(visitor: Visitor, pressed: ReadonlyMap<string, string>): Promise<void> {
  for (const [action, token] of pressed) {
    expect(token).toHaveLength(43)
    const { status, text } = await visitor.post(action, { 'csrf-token': token })
    expect([status, headingOf(text)], action).toEqual([401, 'You are no longer signed in'])
    expect(text).toContain('Nothing was changed.')
    expect(text).not.toContain('Jira')
  }
  expect(verified).toBe(0)
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
}

test('a POST without a session is answered with the sign-in, whatever its token', async () => {
  await expectRefused(visitorOf(server), await tokens())
})

test('a page that is still open does nothing after its session was ended in another browser', async () => {
  const pressed = await tokens()
  const phone = visitorOf(server)
  await phone.signInToAccount('alice')
  await phone.press('/credentials/sign-out-everywhere')
  await expectRefused(alice, pressed)
})

test('a stolen copy of the cookie is worthless after its owner signed out', async () => {
  const pressed = await tokens()
  const thief = visitorOf(server)
  for (const [name, value] of alice.cookies) thief.cookies.set(name, value)
  const { text } = await alice.get('/credentials')
  await alice.post('/credentials/sign-out', {
    'csrf-token': accountToken(text, '/credentials/sign-out'),
    to: 'account',
  })
  await expectRefused(thief, pressed)
  expect(headingOf((await thief.get('/credentials')).text)).toBe('Sign in to see your credentials')
})

test('a page of one session does nothing in a later one of the same person', async () => {
  const pressed = await tokens()
  await alice.signInToAccount('alice')
  for (const [action, token] of pressed) {
    expect((await alice.post(action, { 'csrf-token': token })).status, action).toBe(403)
  }
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
})

test('a sign-in leads here or to a link, and to nothing else that a form names', async () => {
  for (const to of ['https://evil.example.com', '//evil.example.com', '/credentials/jira/revoke', '']) {
    expect((await visitorOf(server).post('/credentials/login', { to })).status, to).toBe(400)
  }
  const link = await server.ask('alice')
  const both = { to: 'account', provider: 'jira', t: link.request.handle }
  expect((await visitorOf(server).post('/credentials/login', both)).status).toBe(400)
})
