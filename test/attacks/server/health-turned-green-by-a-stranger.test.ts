import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test('a login that is only begun, from remembered metadata, does not call an identity provider well that is down', async () => {
  const link = await server.ask('alice')
  const signedIn = visitorOf(server)
  const callback = await signedIn.signInUpToCallback('alice', link)
  server.provider?.stopAnswering({ how: 'drop' })
  expect((await signedIn.get(callback)).status).toBe(503)
  expect(Object.fromEntries(server.health.problems())).toEqual({ identity: 'issuer_connection' })

  const stranger = visitorOf(server)
  await stranger.post('/credentials/login', { provider: 'jira', t: link.request.handle })
  expect(Object.fromEntries(server.health.problems())).toEqual({ identity: 'issuer_connection' })
})
