import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openReference, sealReference } from '../../../src/core/credentials/credential-reference.ts'
import { createSealer, type Sealer } from '../../../src/core/crypto/seal.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import type { NewRequest } from '../../../src/core/ports/pending-request.ts'
import type { PendingStore } from '../../../src/core/ports/pending-store.ts'
import { createPendingRequests } from '../../../src/core/requests/pending-requests.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { csrfToken, csrfTokenMatches } from '../../../src/web/http/csrf.ts'
import { scimId, subjectOfId } from '../../../src/web/scim/scim-id.ts'
import { endSessionsOf } from '../../../src/web/session/end-sessions.ts'

await sodiumReady()
const [oldKey, newKey] = [randomBytes(32), randomBytes(32)]
const before = createSealer(oldKey)
/** Of replicas in the steps of a change: the next key is readable, it is current, the old one is gone. */
const prepared = createSealer([oldKey, newKey])
const swapped = createSealer([newKey, oldKey])
const after = createSealer([newKey])

const alice: NewRequest = {
  provider: 'jira',
  user: { issuer: 'https://login.example.com', subject: 'alice', clientId: 'vscode' },
  clientName: 'VS Code',
  tool: 'create_issue',
  cause: 'absent',
}
const owner = { issuer: alice.user.issuer, subject: alice.user.subject }
const later = () => Date.now() + 60_000

let store: PendingStore
beforeEach(() => {
  store = memoryPendingStore()
})
afterEach(() => store.shutdown())
const requestsOf = (sealer: Sealer) => createPendingRequests({ store, sealer, linkTtlSeconds: 600 })

test.each([
  ['the old key', before, [prepared, swapped]],
  ['a replica with the next key readable', prepared, [swapped]],
  ['a replica with the new key', swapped, [prepared, after]],
])('what %s made is good at the others', async (_, maker, readers) => {
  const { handle } = await requestsOf(maker).openOrReuse(alice)
  const cookie = maker.seal('session-cookie', { sid: 'x' }, later(), 'site')
  const reference = sealReference(maker, { provider: 'jira', owner }, later())
  const token = csrfToken(maker, 'session', handle)
  const id = scimId(maker, owner, 'alice')
  for (const reader of readers) {
    expect(await requestsOf(reader).find(handle)).toMatchObject({
      state: 'open',
      request: { handle, provider: 'jira' },
    })
    expect(reader.open('session-cookie', cookie, 'site')).toEqual({ sid: 'x' })
    expect(openReference(reader, reference, new Set(['jira']), owner)).toMatchObject({ owner })
    expect(csrfTokenMatches(reader, 'session', handle, token)).toBe(true)
    expect(subjectOfId(reader, owner, id)).toBe('alice')
  }
})

test.each([
  ['the old key, once it is not listed', before, after],
  ['the next key, before it is listed', after, before],
  ['a foreign key', createSealer(randomBytes(32)), swapped],
])('what %s made names nothing', async (_, maker, reader) => {
  const { handle } = await requestsOf(maker).openOrReuse(alice)
  expect(await requestsOf(reader).find(handle)).toBeUndefined()
  expect(reader.open('session-cookie', maker.seal('session-cookie', { sid: 'x' }, later()))).toBeUndefined()
  expect(
    openReference(reader, sealReference(maker, { provider: 'jira', owner }, later()), new Set(['jira']), owner),
  ).toBeUndefined()
  expect(csrfTokenMatches(reader, 'session', handle, csrfToken(maker, 'session', handle))).toBe(false)
  expect(subjectOfId(reader, owner, scimId(maker, owner, 'alice'))).toBeUndefined()
})

test('everything new is made with the current key alone', async () => {
  const { handle } = await requestsOf(swapped).openOrReuse(alice)
  expect(await requestsOf(before).find(handle)).toBeUndefined()
  expect(await requestsOf(after).find(handle)).toBeDefined()
})

test.each([
  ['the new key', swapped, prepared],
  ['the old key', prepared, swapped],
])('a call that waits at the other replica is woken by one with %s', async (_, saver, waiting) => {
  const request = await requestsOf(waiting).openOrReuse(alice, { waits: true })
  const ended = requestsOf(waiting).wait(request, async () => false, AbortSignal.timeout(20_000))
  const found = await requestsOf(saver).find(request.handle)
  expect(found).toBeDefined()
  if (found) await requestsOf(saver).close(found.request, 'saved')
  expect(await ended).toBe('saved')
})

test.each([
  ['the new key', swapped, prepared],
  ['the old key', prepared, swapped],
])('offboarding at a replica with %s ends links and sessions of the other', async (_, ending, other) => {
  const { handle } = await requestsOf(other).openOrReuse(alice)
  await requestsOf(ending).endAllOf(owner)
  expect(await requestsOf(other).find(handle)).toMatchObject({ state: 'cancelled' })

  const sessions = memoryBrowserSessions()
  const startedAt = Date.now()
  await endSessionsOf({ sessions, sealer: ending as never, options: { sessionMaxSeconds: 60 } }, owner)
  const hash = other.mac('owner', owner.issuer, owner.subject).toString('base64url')
  expect(await sessions.isEnded({ id: 'x', owner: hash, startedAt })).toBe(true)
})
