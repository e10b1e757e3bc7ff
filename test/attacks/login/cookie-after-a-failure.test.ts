import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { continueLink, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test('a login that failed is over: its cookie, kept back, sends nothing more to the identity provider', async () => {
  const link = await server.ask('alice')
  const mallory = visitorOf(server)
  const page = await mallory.post('/credentials/login', { provider: 'jira', t: link.request.handle })
  const state = new URL(continueLink(page.text)).searchParams.get('state') ?? ''
  const [name = '', kept = ''] = [...mallory.cookies][0] ?? []
  const before = server.provider?.requestsFor('/token') ?? 0

  for (let guess = 0; guess < 20; guess += 1) {
    const query = new URLSearchParams({ code: `guess-${guess}`, state, iss: server.issuer })
    const { status, text } = await server.send({
      path: `/credentials/callback?${query}`,
      headers: { cookie: `${name}=${kept}` },
    })
    expect(status).toBe(400)
    if (guess > 0) expect(headingOf(text)).toBe('This sign-in cannot be finished here')
  }
  expect((server.provider?.requestsFor('/token') ?? 0) - before).toBe(1)
})
