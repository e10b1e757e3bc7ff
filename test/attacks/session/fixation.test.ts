import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

const SESSION = /-session$/

test('a session that was in the browser before a sign-in is not the one after it, and is over', async () => {
  const alicesLink = await server.ask('alice')
  const bob = visitorOf(server)
  await bob.signIn('bob', await server.ask('bob'))
  const planted = [...bob.cookies].filter(([name]) => SESSION.test(name))
  expect(planted).toHaveLength(1)

  const alice = visitorOf(server)
  for (const [name, value] of planted) alice.cookies.set(name, value)
  await alice.signIn('alice', alicesLink)
  expect([...alice.cookies].filter(([name]) => SESSION.test(name))).not.toEqual(planted)
  expect((await alice.get(alicesLink.entry)).status).toBe(200)

  // Whoever planted it and kept a copy is signed out, and never became Alice.
  expect(headingOf((await bob.get(alicesLink.entry)).text)).toBe('Sign in to continue')
})

test('a made-up cookie signs nobody in and is not taken over', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const [name = '', value = ''] = [...alice.cookies].find(([cookie]) => SESSION.test(cookie)) ?? []
  for (const forged of ['x', '', `${value}A`, value.slice(0, -2), Buffer.from('{"sid":"1"}').toString('base64url')]) {
    const { text, headers } = await server.send({ path: link.entry, headers: { cookie: `${name}=${forged}` } })
    expect(headingOf(text)).toBe('Sign in to continue')
    expect(headers['set-cookie']).toBeUndefined()
  }
})

test('a login cookie does not open as a session, nor a session as a login cookie', async () => {
  const link = await server.ask('alice')
  const visitor = visitorOf(server)
  await visitor.signInUpToCallback('alice', link)
  const [login] = [...visitor.cookies]
  const { text } = await server.send({
    path: link.entry,
    headers: { cookie: `${login?.[0].replace(/login-.*$/, 'session')}=${login?.[1]}` },
  })
  expect(headingOf(text)).toBe('Sign in to continue')
})
