import { expect, test } from 'vitest'
import { addressGroups } from '../../../src/core/network/rate-limit-networks.ts'

const keys = (address: string) => addressGroups(address).map(({ key }) => key)

test('an IPv4 address counts alone', () => {
  expect(addressGroups('192.0.2.1')).toEqual([{ key: '192.0.2.1', share: 1 }])
  expect(keys('')).toEqual([''])
  expect(keys('no address')).toEqual(['no address'])
})

test('an IPv6 address counts by its /64, and with more room by the /56 and /48', () => {
  expect(addressGroups('2001:db8:1:2345:3:4:5:6')).toEqual([
    { key: '2001:db8:1:2345::/64', share: 1 },
    { key: '2001:db8:1:2300::/56', share: 4 },
    { key: '2001:db8:1::/48', share: 16 },
  ])
  expect(keys('2001:db8:1:2::9')).toEqual(['2001:db8:1:2::/64', '2001:db8:1:0::/56', '2001:db8:1::/48'])
  expect(keys('2001:DB8::1')).toEqual(['2001:db8:0:0::/64', '2001:db8:0:0::/56', '2001:db8:0::/48'])
  expect(keys('::1')[0]).toBe('0:0:0:0::/64')
  expect(keys('fe80::1%eth0')[0]).toBe('fe80:0:0:0::/64')
})
