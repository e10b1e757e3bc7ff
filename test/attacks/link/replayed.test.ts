import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer()
})
afterAll(() => server.close())

test('a form that was sent once cannot be sent again, with the same values or others', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const fields = { 'csrf-token': csrfOf((await alice.get(link.entry)).text, link), ...GOOD_VALUES }
  expect((await alice.post(link.submit, fields)).status).toBe(303)
  for (const again of [fields, { ...fields, pat: 'another-value' }]) {
    const replayed = await alice.post(link.submit, again)
    expect(replayed.status).toBe(409)
    expect(headingOf(replayed.text)).toBe('This is already saved')
  }
  expect((await alice.post(link.cancel, fields)).status).toBe(409)
  expect(await server.stored('alice')).toEqual(GOOD_VALUES)
  expect(server.audit.events.filter(({ type }) => type === 'credential.stored')).toHaveLength(1)
})

test('a cancelled link takes nothing any more', async () => {
  const link = await server.ask('bob')
  const bob = visitorOf(server)
  await bob.signIn('bob', link)
  const fields = { 'csrf-token': csrfOf((await bob.get(link.entry)).text, link), ...GOOD_VALUES }
  const cancelled = await bob.post(link.cancel, { 'csrf-token': fields['csrf-token'] })
  expect(cancelled.status).toBe(200)
  expect(headingOf(cancelled.text)).toBe('Cancelled')
  expect((await bob.post(link.submit, fields)).status).toBe(409)
  expect((await bob.get(link.entry)).status).toBe(410)
  expect(await server.stored('bob')).toBe('absent')
})
