import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, startFormServer } from '../../harness/browser/form-server.ts'
import { csrfOf, headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer({ options: { rateLimits: { pagesPerMinute: 60, loginsPerMinute: 10 } } })
})
afterAll(() => server.close())

test('the 61st page in a minute from one address, and the 11th login, are refused; other addresses are not', async () => {
  const link = await server.ask('alice')
  const from = (address: string) => ({ 'x-forwarded-for': `1.2.3.4, ${address}` })
  const visitor = visitorOf(server)
  const statuses = new Set<number>()
  for (let index = 0; index < 60; index += 1) statuses.add((await visitor.get(link.entry, from('192.0.2.1'))).status)
  expect([...statuses]).toEqual([200])
  const refused = await visitor.get(link.entry, from('192.0.2.1'))
  expect(refused.status).toBe(429)
  expect(headingOf(refused.text)).toBe('Too many requests')
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await visitor.get(link.entry, from('192.0.2.2'))).status).toBe(200)

  const fields = { provider: 'jira', t: link.request.handle }
  for (let index = 0; index < 10; index += 1) {
    expect((await visitor.post('/credentials/login', fields, from('192.0.2.3'))).status).toBe(200)
  }
  expect((await visitor.post('/credentials/login', fields, from('192.0.2.3'))).status).toBe(429)
})

test('the 11th submit of one person in a minute is refused, from whatever address, and before its body is read', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  const token = csrfOf((await alice.get(link.entry)).text, link)
  for (let index = 0; index < 10; index += 1) {
    expect((await alice.post(link.submit, { 'csrf-token': token, pat: '' })).status).toBe(422)
  }
  const refused = await alice.post(link.submit, { 'csrf-token': token, ...GOOD_VALUES })
  expect(refused.status).toBe(429)
  expect(await server.stored('alice')).toBe('absent')
  const bobsLink = await server.ask('bob')
  const bob = visitorOf(server)
  await bob.signIn('bob', bobsLink)
  expect((await bob.submit(bobsLink, GOOD_VALUES)).status).toBe(303)
})
