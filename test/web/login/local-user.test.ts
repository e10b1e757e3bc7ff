import { afterAll, beforeAll, expect, test } from 'vitest'
import { localUser } from '../../../src/identity/local-user.ts'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  const serverBaseUrl = new URL('http://localhost:1')
  const identity = await localUser({ name: 'alice' }).open({
    serverBaseUrl,
    callbackUrl: serverBaseUrl,
    warn: () => {},
  })
  server = await startFormServer({ identity: () => identity })
})
afterAll(() => server.close())

test('without a login, one press signs the local user in, and every page says how weak that is', async () => {
  const request = await server.pendingRequests.openOrReuse({
    provider: 'jira',
    user: { issuer: 'local-user', subject: 'alice' },
    cause: 'revoked',
  })
  const path = (page: string) => `/credentials/jira/${page}?t=${request.handle}`
  const link = { request, entry: path('entry'), submit: path('submit'), cancel: path('cancel'), done: path('done') }
  const visitor = visitorOf(server)
  const first = await visitor.get(link.entry)
  expect(first.text).toContain('Local mode, without a login')
  const pressed = await visitor.post('/credentials/login', { provider: 'jira', t: request.handle })
  expect(pressed.status).toBe(303)
  expect(pressed.headers.location).toBe(server.baseUrl.origin + link.entry)
  const form = await visitor.get(link.entry)
  expect(headingOf(form.text)).toBe('Connect Jira')
  expect(form.text).toContain('has been revoked')
  expect((await visitor.submit(link, GOOD_VALUES)).status).toBe(303)

  const foreign = await server.ask('bob')
  const refused = await visitor.get(foreign.entry)
  expect(refused.status).toBe(403)
  expect(refused.text).not.toContain('another account')
})

test('without a login, nobody is told to sign in again', async () => {
  const { handle } = await server.pendingRequests.openOrReuse({
    provider: 'jira',
    user: { issuer: 'local-user', subject: 'alice' },
    cause: 'absent',
  })
  const sent = await visitorOf(server).post(`/credentials/jira/submit?t=${handle}`, GOOD_VALUES)
  expect([sent.status, headingOf(sent.text)]).toEqual([401, 'This form was open for too long'])
  expect(sent.text).toContain('Nothing was saved. Press Continue and fill in the form once more.')
  expect(sent.text).not.toMatch(/sign(ed)? in/i)
})
