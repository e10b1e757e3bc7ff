import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AccountServer, startAccountServer } from '../../harness/browser/account-server.ts'
import { type Visitor, visitorOf } from '../../harness/browser/visitor.ts'

let server: AccountServer
let alice: Visitor

beforeAll(async () => {
  server = await startAccountServer()
  await server.save('alice')
  alice = visitorOf(server)
  await alice.signInToAccount('alice')
})
afterAll(() => server.close())

test('no answer of the page can be shown inside another site, and each has the headers of the form', async () => {
  const form = (await alice.get((await server.ask('alice')).entry)).headers
  const answers = [
    await visitorOf(server).get('/credentials'),
    await alice.get('/credentials'),
    await alice.get('/credentials/jira/revoke'),
    await alice.press('/credentials/jira/test'),
    await alice.post('/credentials/jira/revoke', {}),
    await alice.get('/credentials/nothing/revoke'),
    await alice.press('/credentials/jira/connect'),
  ]
  for (const { headers } of answers) {
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
    const names = [
      'content-security-policy',
      'x-frame-options',
      'cross-origin-opener-policy',
      'referrer-policy',
      'cache-control',
      'x-content-type-options',
    ]
    for (const name of names) expect(headers[name], name).toBe(form[name])
  }
  for (const destination of ['iframe', 'frame', 'object', 'embed']) {
    for (const path of ['/credentials', '/credentials/jira/revoke']) {
      expect((await alice.get(path, { 'sec-fetch-dest': destination })).status).toBe(403)
    }
  }
})
