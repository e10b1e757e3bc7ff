import { expect, test } from 'vitest'
import { isAddressAllowed } from '../../../src/destinations/allowed-addresses.ts'

// `allowPrivateAddresses` is for a company's own network. Clouds keep metadata and control services at addresses that are not link-local.
const METADATA = [
  ['AWS', 'fd00:ec2::254'],
  ['AWS, DNS of the VPC', 'fd00:ec2::253'],
  ['Google Cloud', 'fd20:ce::254'],
  ['Alibaba Cloud', '100.100.100.200'],
  ['Azure, also without the option', '168.63.129.16'],
] as const

test.each(METADATA)('no credential goes to the metadata service of %s', (_cloud, address) => {
  expect({ own: isAddressAllowed(address, true), any: isAddressAllowed(address, false) }).toEqual({
    own: false,
    any: false,
  })
})
