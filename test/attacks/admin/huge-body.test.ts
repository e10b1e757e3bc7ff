import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminHarness, startAdminHarness } from '../../harness/admin-api.ts'

let harness: AdminHarness
beforeAll(async () => {
  harness = await startAdminHarness({
    admin: (issuer) => ({
      requestsPerMinute: 40,
      scim: { issuer, subjectFrom: 'externalId', token: 'scim-token-0123456789abcdef0123456789abcdef' },
    }),
  })
})
afterAll(() => harness.close())

const LIMIT = 64 * 1024

test('a body over 64 KiB is refused, announced or not, and the connection ends', async () => {
  const body = JSON.stringify({ ...harness.owner('bob'), providers: ['x'.repeat(LIMIT)] })
  for (const send of [harness.admin, harness.scim]) {
    const path = send === harness.admin ? 'offboard' : 'Users'
    const { status, headers } = await send('POST', path, { body })
    expect([status, headers.get('connection')]).toEqual([413, 'close'])
  }
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(16_384, 0x20)) })
  const streamed = fetch(`${harness.baseUrl}/credentials/admin/offboard`, {
    method: 'POST',
    headers: { authorization: `Bearer ${harness.operatorToken}`, 'content-type': 'application/json' },
    body: endless,
    duplex: 'half',
  } as RequestInit)
  // Whether the client reads the answer or the end of the connection first is up to the two.
  expect(
    await streamed.then(
      ({ status }) => status,
      () => 413,
    ),
  ).toBe(413)
})

test('deep, compressed and broken JSON is refused', async () => {
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
  expect((await harness.admin('POST', 'offboard', { body: deep })).status).toBe(400)
  expect((await harness.scim('POST', 'Users', { body: deep })).body).toMatchObject({ scimType: 'invalidSyntax' })
  expect((await harness.admin('POST', 'offboard', { body: '{"issuer":' })).status).toBe(400)
  const headers = { 'content-encoding': 'gzip' }
  expect((await harness.admin('POST', 'offboard', { body: {}, headers })).status).toBe(415)
})

test('one address asks only so often, with or without a token', async () => {
  let answer = await harness.admin('GET', 'credentials', { token: undefined })
  for (let asked = 0; asked < 45 && answer.status !== 429; asked += 1) {
    answer = await harness.admin('GET', 'credentials', { token: undefined })
  }
  expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true])
  expect((await harness.admin('GET', 'credentials')).status).toBe(429)
})
