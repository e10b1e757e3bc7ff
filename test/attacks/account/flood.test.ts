import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AccountServer, startAccountServer } from '../../harness/browser/account-server.ts'
import { accountToken, visitorOf } from '../../harness/browser/visitor.ts'

let server: AccountServer
let verified = 0

beforeAll(async () => {
  server = await startAccountServer({
    provider: {
      verify: async () => {
        verified += 1
        return { ok: true }
      },
    },
    options: { rateLimits: { submitsPerMinute: 4 } },
  })
})
afterAll(() => server.close())

test('one person presses as many buttons a minute as they may send forms, in all browsers together', async () => {
  await server.save('alice')
  await server.save('bob')
  const path = '/credentials/jira/test'
  const statuses: number[] = []
  for (const browser of [visitorOf(server), visitorOf(server)]) {
    await browser.signInToAccount('alice')
    const token = accountToken((await browser.get('/credentials')).text, path)
    for (let times = 0; times < 3; times += 1) {
      const { status, headers } = await browser.post(path, { 'csrf-token': token })
      statuses.push(status)
      if (status === 429) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
    }
  }
  expect(statuses).toEqual([200, 200, 200, 200, 429, 429])
  expect(verified).toBe(4)
  const refused = server.audit.events.filter(({ reason }) => reason === 'rate_limited')
  expect(refused).toMatchObject([{ owner: { subject: 'alice' }, provider: 'jira' }, {}])

  const bob = visitorOf(server)
  await bob.signInToAccount('bob')
  expect((await bob.press(path)).status).toBe(200)
})
