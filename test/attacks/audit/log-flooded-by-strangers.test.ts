import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import type { AuditEvent } from '../../../src/core/ports/audit-sink.ts'
import { accessTokenRefusal } from '../../../src/identity/claims/token-problem.ts'
import { createBearerGate } from '../../../src/web/bearer/bearer-gate.ts'
import { type FormServer, type RawRequest, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, visitorOf } from '../../harness/browser/visitor.ts'

const FLOODS: readonly (readonly [string, RawRequest])[] = [
  ['cross-origin POSTs', { method: 'POST', path: '/credentials/login', headers: { origin: 'https://evil.example' } }],
  ['bodies of a wrong type', { method: 'POST', path: '/credentials/login', headers: { 'content-type': 'text/plain' } }],
  ['logins that were never begun', { path: '/credentials/callback?state=x&code=y' }],
  ['forms with a foreign field', { method: 'POST', path: '/credentials/login', body: 'x=1' }],
]

async function flood(server: FormServer, request: RawRequest, addressOf: (index: number) => string, count: number) {
  for (let sent = 0; sent < count; sent += 20) {
    const batch = Array.from({ length: 20 }, (_, index) => addressOf(sent + index))
    await Promise.all(
      batch.map((address) =>
        server.send({ ...request, headers: { ...request.headers, 'x-forwarded-for': address, 'user-agent': null } }),
      ),
    )
  }
}

const summaries = (events: readonly AuditEvent[]) => events.filter(({ type }) => type === 'refusals.counted')

test.each(FLOODS)(
  '%s from one address write 60 lines a minute, and the rest is one counted line',
  async (_n, request) => {
    const server = await startFormServer()
    await flood(server, request, () => '192.0.2.1', 200)
    const lines = server.audit.events.length
    await server.close()
    expect(lines).toBe(60)
    expect(summaries(server.audit.events)).toMatchObject([{ outcome: 'denied', count: 140 }])
  },
)

test('refusals from everywhere together write 600 lines a minute; what its owner does is written all the same', async () => {
  const server = await startFormServer({ options: { rateLimits: { submitsPerMinute: 50 } } })
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const before = server.audit.events.length
  const [[, request] = ['', { path: '/' }]] = FLOODS
  await flood(server, request, (index) => `10.${index >> 8}.${index & 255}.1`, 800)
  const page = (await alice.get(link.entry)).text
  for (let index = 0; index < 40; index += 1) {
    await alice.post(link.submit, { 'csrf-token': csrfOf(page, link), pat: '' }, { 'x-forwarded-for': '10.0.0.1' })
  }
  await server.close()
  const events = server.audit.events.slice(before)
  expect(events.filter(({ actor }) => actor?.kind === 'anonymous')).toHaveLength(600 + 1)
  expect(events.filter(({ owner, type }) => owner && type === 'form.rejected')).toHaveLength(40)
  expect(summaries(events)).toMatchObject([{ count: 200 }])
})

test('bearer tokens that are refused count with the others', async () => {
  const audit = memoryAudit()
  const health = createHealth(() => {})
  const journal = createJournal({ audit, health })
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const app = new Koa()
  app.use(
    createBearerGate({
      serverBaseUrl: new URL(`http://127.0.0.1:${port}`),
      identity: {
        verifyToken: async () => {
          throw accessTokenRefusal('expired')
        },
        browserLogin: {
          mode: 'local-user',
          hasLogin: false,
          displayName: 'x',
          begin: () => Promise.reject(new Error('unused')),
          complete: () => Promise.reject(new Error('unused')),
        },
      },
      journal,
      health,
      options: { trustedProxies: 0, serverName: 'x' },
    }),
  )
  server.on('request', app.callback())
  for (let index = 0; index < 100; index += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, { headers: { authorization: 'Bearer x' } })
    expect(response.status).toBe(401)
    await response.text()
  }
  await new Promise((resolve) => server.close(resolve))
  await journal.close()
  expect(audit.events.filter(({ type }) => type === 'token.rejected')).toHaveLength(60)
  expect(summaries(audit.events)).toMatchObject([{ count: 40 }])
})
