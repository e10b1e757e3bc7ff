import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineVariables } from '../../../src/core/model/variables.ts'
import { isAddressAllowed } from '../../../src/destinations/allowed-addresses.ts'
import { type DestinationOptions, defineDestinations } from '../../../src/destinations/destination.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../../harness/http-service.ts'

// A user enters an address of the server's own network, in a spelling that looks like none.
let service: HttpService

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.close())

/** The strictest case: the operator allowed the host, yet not that it be a private address. */
async function enter(host: string, allowPrivateAddresses?: boolean): Promise<unknown> {
  const entered = `http://${host}:${service.port}`
  const canonical = new URL(entered).origin
  const bound = fetchTo(
    [
      {
        fromField: 'base_url',
        header: bearer,
        ...(allowPrivateAddresses === undefined ? {} : { allowPrivateAddresses }),
      },
    ],
    {
      variables: { pat: { label: 'Token' }, base_url: { label: 'Site', type: 'url', allowedHosts: [canonical] } },
    },
  )
  try {
    return await bound.fetch({ pat: PAT, base_url: entered }, entered).catch((thrown: unknown) => thrown)
  } finally {
    await bound.close()
  }
}

test.each([
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '①②⑦.⓪.⓪.①',
  '127。0。0。1',
  '%31%32%37.0.0.1',
  '127.255.255.254',
  '0',
  '0.0.0.0',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b:1::7f00:1]',
  '[2002:7f00:1::]',
  '[2001:0:7f00:1::]',
  '[fe80::1]',
  '[fec0::1]',
  '[fd00::1]',
  '[ff02::1]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '[fd00:ec2::254]',
  '192.0.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '240.0.0.1',
])('%s is refused, and nothing is sent', async (host) => {
  expect(await enter(host)).toMatchObject({ code: 'destination_refused', reason: 'address' })
  expect(service.received).toEqual([])
})

test('with allowPrivateAddresses only the own networks are reached', async () => {
  for (const address of ['127.0.0.1', '10.1.2.3', '192.168.1.1', '100.64.0.1', '::1', 'fd00::1', '::ffff:10.0.0.1']) {
    expect([address, isAddressAllowed(address, true)]).toEqual([address, true])
    expect([address, isAddressAllowed(address, false)]).toEqual([address, false])
  }
  for (const address of [
    '169.254.169.254',
    'fe80::1',
    'fe80::1%eth0',
    '0.0.0.0',
    '::',
    '224.0.0.1',
    '2002:a00::',
    '64:ff9b::a00:1',
    'x',
  ]) {
    expect([address, isAddressAllowed(address, true)]).toEqual([address, false])
  }
  for (const address of ['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8']) {
    expect([address, isAddressAllowed(address, false)]).toEqual([address, true])
  }
  expect(await enter('127.1', true)).toMatchObject({ status: 200 })
})

test('an origin that the operator declared may be private, unless the operator says no', async () => {
  const at = (options: Partial<DestinationOptions>) =>
    fetchTo([{ origin: service.origin, header: bearer, ...options } as DestinationOptions])
  const open = at({})
  const closed = at({ allowPrivateAddresses: false })
  expect((await open.fetch({ pat: PAT }, service.origin)).status).toBe(200)
  await expect(closed.fetch({ pat: PAT }, service.origin)).rejects.toMatchObject({ reason: 'address' })
  await open.close()
  await closed.close()
})

test('a field without allowedHosts is no destination at all', () => {
  const variables = defineVariables({ pat: { label: 'Token' }, base_url: { label: 'Site', type: 'url' } })
  expect(() => defineDestinations([{ fromField: 'base_url', header: bearer }], variables)).toThrow(/allowedHosts/)
})
