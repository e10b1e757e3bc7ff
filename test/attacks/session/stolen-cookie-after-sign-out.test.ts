import { afterEach, expect, test } from 'vitest'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, hiddenField, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

afterEach(() => server.close())

test('a copy of the cookie is worthless once its owner has signed out', async () => {
  server = await startFormServer()
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const thief = visitorOf(server)
  for (const [name, value] of alice.cookies) thief.cookies.set(name, value)
  const form = (await thief.get(link.entry)).text
  expect(headingOf(form)).toBe('Connect Jira')

  const out = await alice.post('/credentials/sign-out', {
    'csrf-token': hiddenField(form, 'csrf-token') ?? '',
    provider: 'jira',
    t: link.request.handle,
  })
  expect(headingOf(out.text)).toBe('You are signed out')
  expect(out.headers['clear-site-data']).toBe('"cache", "storage"')
  expect(alice.cookies.size).toBe(0)

  expect(headingOf((await thief.get(link.entry)).text)).toBe('Sign in to continue')
  const sent = await thief.post(link.submit, { 'csrf-token': csrfOf(form, link), ...GOOD_VALUES })
  expect(sent.status).toBe(401)
  expect(await server.stored('alice')).toBe('absent')
  const ended = server.audit.events.filter(({ type }) => type === 'login.ended')
  expect(ended).toEqual([
    expect.objectContaining({ outcome: 'success', owner: { issuer: server.issuer, subject: 'alice' } }),
  ])
})

test('a restart that forgets who signed out forgets every session with it', async () => {
  let sessions = memoryBrowserSessions()
  const current = {
    end: (...call: Parameters<typeof sessions.end>) => sessions.end(...call),
    endAll: (...call: Parameters<typeof sessions.endAll>) => sessions.endAll(...call),
    isEnded: (...call: Parameters<typeof sessions.isEnded>) => sessions.isEnded(...call),
    useLogin: (...call: Parameters<typeof sessions.useLogin>) => sessions.useLogin(...call),
    isLoginUsed: (...call: Parameters<typeof sessions.isLoginUsed>) => sessions.isLoginUsed(...call),
  }
  server = await startFormServer({ sessions: current })
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const stolen = visitorOf(server)
  for (const [name, value] of alice.cookies) stolen.cookies.set(name, value)
  const form = (await alice.get(link.entry)).text
  await alice.post('/credentials/sign-out', { 'csrf-token': hiddenField(form, 'csrf-token') ?? '' })

  await new Promise((resolve) => setTimeout(resolve, 5))
  sessions = memoryBrowserSessions()
  expect(headingOf((await stolen.get(link.entry)).text)).toBe('Sign in to continue')
})

test('an administrator ends all sessions of a person', async () => {
  const sessions = memoryBrowserSessions()
  server = await startFormServer({ sessions })
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Connect Jira')
  const { createSealer } = await import('../../../src/core/crypto/seal.ts')
  const { WEB_KEY } = await import('../../harness/browser/form-server.ts')
  const owner = createSealer(WEB_KEY).mac('owner', server.issuer, 'alice').toString('base64url')
  await sessions.endAll(owner, Date.now() + 1, Date.now() + 3_600_000)
  expect(headingOf((await alice.get(link.entry)).text)).toBe('Sign in to continue')
})
