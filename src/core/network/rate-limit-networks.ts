import { isIP } from 'node:net'

/** A network whose addresses a limit counts together. */
export interface AddressGroup {
  readonly key: string
  /** The network's limit as a multiple of a single address's limit. */
  readonly share: number
}

/** IPv6 networks, narrowest first: 16-bit groups of the prefix, bits of its last group that count, and the network's share. */
const NETWORKS = [
  { groups: 4, lastBits: 16, share: 1 },
  { groups: 4, lastBits: 8, share: 4 },
  { groups: 3, lastBits: 16, share: 16 },
] as const

/**
 * Returns the networks that a limit counts an address by, narrowest first. An IPv4 address stands alone. IPv6 has the /64, since one
 * machine has all of it, and with larger shares the /56 and the /48, which providers give to one customer.
 */
export function addressGroups(address: string): readonly AddressGroup[] {
  if (isIP(address) !== 6) return [{ key: address, share: 1 }]
  const words = wordsOf(address)
  return NETWORKS.map(({ groups, lastBits, share }) => {
    const network = words.slice(0, groups)
    const last = (network.pop() ?? 0) & (0xffff << (16 - lastBits))
    const bits = (groups - 1) * 16 + lastBits
    return { key: `${[...network, last].map((word) => word.toString(16)).join(':')}::/${bits}`, share }
  })
}

/** The eight groups of 16 bits. */
function wordsOf(address: string): readonly number[] {
  const hostname = new URL(`http://[${address.split('%')[0]}]`).hostname.slice(1, -1)
  const [head = '', tail] = hostname.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - groups.length - rest.length
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].map((group) => Number.parseInt(group, 16))
}
