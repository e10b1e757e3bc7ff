import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { openRawSession, type RawSession } from './raw-mcp-session.ts'

let harness: Harness
let alice: RawSession
let bobsToken: string

beforeAll(async () => {
  harness = await startHarness()
  alice = await openRawSession(harness.baseUrl, await harness.identityProvider.issueAccessToken('alice'))
  bobsToken = await harness.identityProvider.issueAccessToken('bob')
})
afterAll(() => harness.close())

test.each(['GET', 'POST', 'DELETE'])('with %s, Bob finds no session under the id of Alice', async (method) => {
  const stolen = await alice.send({ method, token: bobsToken })
  const made = await alice.send({ method, token: bobsToken, sessionId: 'a2a6ea9d-0000-4000-8000-000000000000' })
  expect(stolen.status).toBe(404)
  expect(stolen.text).toBe(made.text)
  expect(stolen.text).not.toContain(alice.sessionId)
})

test('the session that was tried is as it was', async () => {
  const answer = await alice.send({ method: 'POST' })
  expect(answer.status).toBe(200)
  expect(answer.text).toContain('open to all')
})

test('the id alone, without a token, is nothing', async () => {
  for (const method of ['GET', 'POST', 'DELETE']) {
    expect((await alice.send({ method, token: undefined })).status, method).toBe(401)
  }
  expect((await alice.send({ method: 'POST' })).status).toBe(200)
})

test('Alice, signed in through another issuer, is somebody else', async () => {
  const other = await startHarness()
  try {
    const token = await other.identityProvider.issueAccessToken('alice')
    expect((await alice.send({ method: 'POST', token })).status).toBe(401)
  } finally {
    await other.close()
  }
})
