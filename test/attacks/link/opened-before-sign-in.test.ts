import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test('without a sign-in, a link shows nothing, sets nothing and takes nothing', async () => {
  const link = await server.ask('alice', { clientName: 'Claude', tool: 'create_issue' })
  const stranger = visitorOf(server)
  const opened = await stranger.get(link.entry)
  expect(opened.status).toBe(200)
  expect(headingOf(opened.text)).toBe('Sign in to continue')
  expect(opened.headers['set-cookie']).toBeUndefined()
  for (const told of ['alice', 'Jira', 'Claude', 'create_issue']) expect(opened.text).not.toContain(told)

  for (const path of [link.submit, link.cancel]) {
    const sent = await stranger.post(path, { ...GOOD_VALUES })
    expect(sent.status).toBe(401)
    expect(headingOf(sent.text)).toBe('You are no longer signed in')
    expect(sent.headers['set-cookie']).toBeUndefined()
  }
  expect((await stranger.get(link.done)).text).toContain('Sign in to continue')
  expect(await server.stored('alice')).toBe('absent')
  expect(server.provider?.requestsFor('/auth')).toBe(0)
})

test('who opened the link first gains nothing when its owner signs in later', async () => {
  const link = await server.ask('alice')
  const stranger = visitorOf(server)
  await stranger.get(link.entry)
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  expect((await alice.get(link.entry)).status).toBe(200)
  expect(headingOf((await stranger.get(link.entry)).text)).toBe('Sign in to continue')
})
