import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, PAT, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test('the owner signs in, fills in the form, and the credential is stored under who they are', async () => {
  const link = await server.ask('alice', { clientName: 'Claude', tool: 'create_issue' })
  const alice = visitorOf(server)

  const signIn = await alice.get(link.entry)
  expect(signIn.status).toBe(200)
  expect(headingOf(signIn.text)).toBe('Sign in to continue')
  expect(signIn.headers['set-cookie']).toBeUndefined()

  const back = await alice.signIn('alice', link)
  expect(back.status).toBe(303)
  expect(back.headers.location).toBe(server.baseUrl.origin + link.entry)
  expect(back.text).toBe('')

  const form = await alice.get(link.entry)
  expect(form.status).toBe(200)
  expect(headingOf(form.text)).toBe('Connect Jira')
  expect(form.text).toContain('alice at 127.0.0.1')
  for (const said of ['Claude', 'create_issue', 'is not verified']) expect(form.text).toContain(said)

  const saved = await alice.submit(link, { ...GOOD_VALUES, note: '' })
  expect(saved.status).toBe(303)
  expect(saved.headers.location).toBe(server.baseUrl.origin + link.done)
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)

  const success = await alice.get(link.done)
  expect(success.status).toBe(200)
  expect(headingOf(success.text)).toBe('Jira is connected')
  expect(success.text).not.toContain(PAT)

  const again = await alice.get(link.entry)
  expect(again.status).toBe(410)
  expect(headingOf(again.text)).toBe('This is already saved')
  expect(server.audit.events.map(({ type }) => type)).toEqual([
    'login.succeeded',
    'form.opened',
    'form.opened',
    'credential.verified',
    'credential.storing',
    'credential.stored',
    'credential.resolved',
  ])
})
