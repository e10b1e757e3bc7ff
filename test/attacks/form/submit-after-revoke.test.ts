import { afterEach, beforeEach, expect, test } from 'vitest'
import { createSealer } from '../../../src/core/crypto/seal.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { memoryBrowserSessions } from '../../../src/pending/memory-browser-sessions.ts'
import { type FormServer, GOOD_VALUES, startFormServer, WEB_KEY } from '../../harness/browser/form-server.ts'
import { csrfOf, visitorOf } from '../../harness/browser/visitor.ts'

const sessions = memoryBrowserSessions()
let server: FormServer

beforeEach(async () => {
  server = await startFormServer({ sessions })
})
afterEach(() => server.close())

test('a link that was used before the revocation brings nothing back', async () => {
  const used = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', used)
  const token = csrfOf((await alice.get(used.entry)).text, used)
  expect((await alice.post(used.submit, { 'csrf-token': token, ...GOOD_VALUES })).status).toBe(303)
  const key = storageKey('jira', { issuer: server.issuer, subject: 'alice' })
  await server.credentials.revoke(key, { purge: false }, { correlationId: 'test' })

  const replayed = await alice.post(used.submit, { 'csrf-token': token, ...GOOD_VALUES })
  expect(replayed.status).toBe(409)
  expect((await server.credentials.status(key, { correlationId: 'test' })).status).toBe('revoked')
})

test('a form that is open while the credential is revoked enters a new one, not the old', async () => {
  const key = storageKey('jira', { issuer: server.issuer, subject: 'alice' })
  await server.credentials.save(
    key,
    { site: 'https://old.atlassian.net', pat: 'the-old-value-1234' },
    { correlationId: 'test' },
  )
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const form = await alice.get(link.entry)
  expect(form.text).not.toContain('the-old-value-1234')
  await server.credentials.revoke(key, { purge: false }, { correlationId: 'test' })
  expect((await alice.post(link.submit, { 'csrf-token': csrfOf(form.text, link), ...GOOD_VALUES })).status).toBe(303)
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
})

test('somebody whose sessions were ended saves nothing with a form that is still open', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const token = csrfOf((await alice.get(link.entry)).text, link)
  const owner = createSealer(WEB_KEY).mac('owner', server.issuer, 'alice').toString('base64url')
  await sessions.endAll(owner, Date.now() + 1, Date.now() + 3_600_000)
  expect((await alice.post(link.submit, { 'csrf-token': token, ...GOOD_VALUES })).status).toBe(401)
  expect(await server.stored('alice')).toBe('absent')
})
