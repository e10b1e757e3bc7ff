import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

// One address, one web key, one identity provider: only what each vault asks of a login differs.
const serverBaseUrl = 'http://localhost:39991'
let weak: FormServer
let replica: FormServer
let strict: FormServer
let elsewhere: FormServer

beforeAll(async () => {
  weak = await startFormServer({ serverBaseUrl })
  const sharedProvider = weak.provider
  if (!sharedProvider) throw new Error('There is no identity provider.')
  replica = await startFormServer({ serverBaseUrl, sharedProvider })
  strict = await startFormServer({ serverBaseUrl, sharedProvider, oidc: { acrValues: ['two-factors'] } })
  elsewhere = await startFormServer({ serverBaseUrl: `${serverBaseUrl}/other`, sharedProvider })
})
afterAll(async () => {
  for (const server of [elsewhere, strict, replica, weak]) await server.close()
})

async function signedIn(): Promise<Visitor> {
  const alice = visitorOf(weak)
  await alice.signIn('alice', await weak.ask('alice'))
  return alice
}

/** The cookie of one vault, under every name that the other may read. */
async function carryTo(server: FormServer, alice: Visitor): Promise<string> {
  const link = await server.ask('alice')
  const name = await sessionCookieName(server)
  const [value] = alice.cookies.values()
  const page = await server.send({ path: link.entry, headers: { cookie: `${name}=${value}` } })
  return headingOf(page.text)
}

async function sessionCookieName(server: FormServer): Promise<string> {
  const { root } = { root: new URL(server.baseUrl).pathname.replace(/\/$/, '') }
  const signOut = await server.send({ method: 'POST', path: `${root}/credentials/sign-out`, body: '' })
  return /^([^=]+)=/.exec(signOut.headers['set-cookie']?.[0] ?? '')?.[1] ?? ''
}

test('a session is good at a replica of its vault', async () => {
  expect(await carryTo(replica, await signedIn())).toBe('Connect Jira')
})

test('a session made without a second factor does not open a vault that asks for one', async () => {
  expect(await carryTo(strict, await signedIn())).toBe('Sign in to continue')
})

test('a session made at one address does not open the vault of another', async () => {
  expect(await carryTo(elsewhere, await signedIn())).toBe('Sign in to continue')
})
