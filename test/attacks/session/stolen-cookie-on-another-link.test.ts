import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test("a stolen session opens its owner's links alone, and its form's token serves no other link", async () => {
  const alices = await server.ask('alice', { clientId: 'one' })
  const second = await server.ask('alice', { clientId: 'two' })
  const bobs = await server.ask('bob')
  const alice = visitorOf(server)
  await alice.signIn('alice', alices)
  const thief = visitorOf(server)
  for (const [name, value] of alice.cookies) thief.cookies.set(name, value)

  expect((await thief.get(bobs.entry)).status).toBe(403)
  const token = csrfOf((await thief.get(alices.entry)).text, alices)
  expect((await thief.post(bobs.submit, { 'csrf-token': token, ...GOOD_VALUES })).status).toBe(403)
  expect((await thief.post(second.submit, { 'csrf-token': token, ...GOOD_VALUES })).status).toBe(403)
  expect(await server.stored('bob')).toBe('absent')
  expect(await server.stored('alice')).toBe('absent')
})

test("a stolen login cookie does not turn the thief's own sign-in into its owner's", async () => {
  const alices = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signInUpToCallback('alice', alices)
  const thief = visitorOf(server)
  for (const [name, value] of alice.cookies) thief.cookies.set(name, value)
  const bobs = await server.ask('bob')
  const callback = await visitorOf(server).signInUpToCallback('bob', bobs)

  expect((await thief.get(callback)).status).toBe(400)
  const opened = await thief.get(alices.entry)
  expect(opened.status).toBe(200)
  expect(opened.text).toContain('Sign in to continue')
  expect(opened.text).not.toContain('name="pat"')
})

test('a session of one web key is none under another', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const elsewhere = await startFormServer()
  try {
    const thief = visitorOf(elsewhere)
    for (const [name, value] of alice.cookies) thief.cookies.set(name, value)
    const own = await elsewhere.ask('alice')
    // Both servers of this test share the key, not the issuer: the session is of another person there.
    const opened = await thief.get(own.entry)
    expect(opened.text).not.toContain('name="pat"')
  } finally {
    await elsewhere.close()
  }
})
