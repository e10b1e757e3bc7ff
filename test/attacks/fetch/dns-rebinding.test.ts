import { afterEach, expect, test } from 'vitest'
import type { BoundFetch } from '../../../src/destinations/bound-fetch.ts'
import { checkedLookup, type ResolvedAddress } from '../../../src/destinations/checked-lookup.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../../harness/http-service.ts'

// Whoever owns the name answers with one address when it is checked and with another when it is connected to.
const toClose: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close()
})

const loopback = { address: '127.0.0.1', family: 4 }
const metadata = { address: '169.254.169.254', family: 4 }
const outside = { address: '8.8.8.8', family: 4 }

async function rebinding(
  answers: readonly (readonly ResolvedAddress[])[],
  allowPrivateAddresses: boolean,
): Promise<{ service: HttpService; bound: BoundFetch; asked: () => number; url: string }> {
  const service = await startService((_, response) => response.setHeader('connection', 'close').end())
  let asked = 0
  const url = `http://rebind.example.com:${service.port}`
  const bound = fetchTo([{ fromField: 'base_url', header: bearer, allowPrivateAddresses }], {
    variables: {
      pat: { label: 'Token' },
      base_url: { label: 'Site', type: 'url', allowedHosts: [url] },
    },
    resolve: async () => answers[asked++] ?? [],
  })
  toClose.push(bound, service)
  return { service, bound, asked: () => asked, url }
}

test('a name that leads inside is refused', async () => {
  const { service, bound, url } = await rebinding([[loopback]], false)
  await expect(bound.fetch({ pat: PAT, base_url: url }, url)).rejects.toMatchObject({
    code: 'destination_refused',
    reason: 'address',
  })
  expect(service.received).toEqual([])
})

test('one address inside among others outside is refused, whichever comes first', async () => {
  for (const answer of [
    [outside, loopback],
    [loopback, outside],
    [outside, { address: '::1', family: 6 }],
  ]) {
    const { service, bound, url } = await rebinding([answer], false)
    await expect(bound.fetch({ pat: PAT, base_url: url }, url)).rejects.toMatchObject({ reason: 'address' })
    expect(service.received).toEqual([])
  }
})

test('the name is asked for once: what was checked is what is connected to', async () => {
  const { service, bound, asked, url } = await rebinding([[loopback], [metadata]], true)
  expect((await bound.fetch({ pat: PAT, base_url: url }, url)).status).toBe(200)
  expect(asked()).toBe(1)
  expect(service.received).toHaveLength(1)
})

test('each new connection is checked anew', async () => {
  const { service, bound, url } = await rebinding([[loopback], [metadata]], true)
  await (await bound.fetch({ pat: PAT, base_url: url }, url)).text()
  await expect(bound.fetch({ pat: PAT, base_url: url }, url)).rejects.toMatchObject({ reason: 'address' })
  expect(service.received).toHaveLength(1)
})

test('a name without an address is an outage, not a refusal', async () => {
  const { bound, url } = await rebinding([[]], true)
  await expect(bound.fetch({ pat: PAT, base_url: url }, url)).rejects.toMatchObject({ code: 'unavailable' })
})

test('the socket gets exactly the addresses that were checked', async () => {
  const answers = [[outside], [loopback]]
  const lookup = checkedLookup(async () => answers.shift() ?? [], false)
  const given = await new Promise((resolve) => lookup('a.test', { all: true }, (_, addresses) => resolve(addresses)))
  expect(given).toEqual([outside])
  const refused = await new Promise((resolve) => lookup('a.test', {}, (error) => resolve(error)))
  expect(refused).toMatchObject({ code: 'destination_refused', reason: 'address' })
})
