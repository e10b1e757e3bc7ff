import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import type { AdminParts } from '../../../src/web/admin/admin-parts.ts'
import { createAdminRoutes } from '../../../src/web/admin/admin-routes.ts'
import { createScimRoutes } from '../../../src/web/scim/scim-routes.ts'

// Two identity providers at one server, each with a token of its own. What is offboarded is noted.
const A = { issuer: 'https://a.example.com', token: `token-of-a-${'a'.repeat(32)}` }
const B = { issuer: 'https://b.example.com', token: `token-of-b-${'b'.repeat(32)}` }
const offboarded: string[] = []
const server = createServer()
let root = ''

beforeAll(async () => {
  await sodiumReady()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const serverBaseUrl = new URL(`http://localhost:${(server.address() as AddressInfo).port}`)
  const parts = {
    serverBaseUrl,
    journal: { note: async () => undefined },
    options: { trustedProxies: 0, serverName: 'test' },
    requestsPerMinute: 10_000,
    sealer: createSealer(Buffer.alloc(32, 7)),
    tenants: [A, B].map(({ issuer, token }) => ({
      issuer,
      subjectFrom: 'externalId',
      tokenHash: createHash('sha256').update(token).digest(),
    })),
    operations: {
      offboard: async ({ issuer, subject }: { issuer: string; subject: string }) => {
        offboarded.push(`${subject} of ${issuer}`)
        return { left: [] }
      },
    },
  } as unknown as AdminParts
  const app = new Koa()
  app.use(createAdminRoutes(parts, createScimRoutes(parts)).middleware)
  server.on('request', app.callback())
  root = `${serverBaseUrl.origin}/credentials/admin/scim/v2/Users`
})
afterAll(() => void server.close())

async function send(method: string, url: string, token: string, body?: unknown) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/scim+json' }
  const answer = await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  return { status: answer.status, text: await answer.text() }
}

const created = async (token: string): Promise<string> =>
  JSON.parse((await send('POST', root, token, { userName: 'alice', externalId: 'alice' })).text).id

const deactivate = { Operations: [{ op: 'replace', path: 'active', value: false }] }
const NOBODY =
  '{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"404","detail":"There is no user with this id"}'

async function expectNobody(id: string, token: string): Promise<void> {
  for (const [method, body] of [['GET'], ['PATCH', deactivate], ['PUT', { active: false }], ['DELETE']] as const) {
    expect(await send(method, `${root}/${id}`, token, body), `${method} ${id}`).toEqual({ status: 404, text: NOBODY })
  }
}

test("another tenant's id names nobody, in the words for an id that never was", async () => {
  const [idAtA, idAtB] = [await created(A.token), await created(B.token)]
  expect(idAtA).not.toBe(idAtB)
  await expectNobody(idAtA, B.token)
  await expectNobody(idAtB, A.token)
  expect(offboarded).toEqual([])
  expect((await send('DELETE', `${root}/${idAtA}`, A.token)).status).toBe(204)
  expect(offboarded.splice(0)).toEqual([`alice of ${A.issuer}`])
})

test('an id that was changed, cut, spelled otherwise or made up names nobody', async () => {
  const id = await created(A.token)
  const bytes = Buffer.from(id, 'base64url')
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    expect((await send('DELETE', `${root}/${changed.toString('base64url')}`, A.token)).status).toBe(404)
  }
  const made = [
    'alice',
    id.slice(0, -1),
    `${id}A`,
    `${id}=`,
    bytes.toString('base64').replaceAll('/', '%2F'),
    'x'.repeat(5000),
  ]
  for (const one of made.filter((text) => text !== id)) await expectNobody(one, A.token)
  expect(offboarded).toEqual([])
})

test('an id shows nothing of whom it names', async () => {
  const id = await created(A.token)
  expect(Buffer.from(id, 'base64url').toString('latin1')).not.toContain('alice')
})

test('a token that is only nearly one is none', async () => {
  for (const token of [A.token.slice(0, -1), `${A.token}a`, A.token.toUpperCase(), 'x'.repeat(A.token.length)]) {
    expect(await send('GET', root, token)).toEqual({ status: 401, text: '{"error":"invalid_token"}' })
  }
})
