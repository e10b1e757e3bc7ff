import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'

// Azure's Application Gateway and IIS write `address:port`, and RFC 7239 quotes and brackets IPv6. Taken for no address, everybody
// behind such a proxy shares one limit, and one stranger locks all of them out; the audit log names the proxy for everyone.
let server: FormServer

beforeAll(async () => {
  server = await startFormServer({ options: { trustedProxies: 1, rateLimits: { pagesPerMinute: 5 } } })
})
afterAll(() => server.close())

test.each([
  ['203.0.113.7:51312', '198.51.100.9:40000'],
  ['[2001:db8:1::1]:443', '[2001:db8:2::1]:443'],
  ['[2001:db8:3::1]', '[2001:db8:4::1]'],
])('a stranger at %s does not use up the limit of %s', async (stranger, other) => {
  const link = await server.ask('alice')
  const open = (address: string) => server.send({ path: link.entry, headers: { 'x-forwarded-for': address } })
  for (let request = 0; request < 10; request += 1) await open(stranger)
  expect((await open(stranger)).status).toBe(429)
  expect((await open(other)).status).toBe(200)
})
