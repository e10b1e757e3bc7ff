import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { continueLink, visitorOf } from '../../harness/browser/visitor.ts'

// `/health` answers 503 for any problem, and orchestrators restart what answers 503: links, sessions and waits are gone then.
let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test.each(['server_error', 'temporarily_unavailable'])(
  'a callback with %s that nobody but a stranger has written says nothing about the identity provider',
  async (error) => {
    server.health.recovered('identity')
    const link = await server.ask('alice')
    const mallory = visitorOf(server)
    const page = await mallory.post('/credentials/login', { provider: 'jira', t: link.request.handle })
    const state = new URL(continueLink(page.text)).searchParams.get('state') ?? ''
    const asked = server.provider?.requestsFor()

    const query = new URLSearchParams({ error, state, iss: server.issuer })
    expect((await mallory.get(`/credentials/callback?${query}`)).status).toBe(503)

    expect(server.provider?.requestsFor()).toBe(asked)
    expect(Object.fromEntries(server.health.problems())).toEqual({})
  },
)
