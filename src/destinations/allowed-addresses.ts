import ipaddr from 'ipaddr.js'

/** Ranges of private networks. Link-local is excluded, because most clouds have their metadata service there. */
const OWN_NETWORKS: ReadonlySet<string> = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat'])

/** Metadata, name and control services outside the link-local ranges, of AWS, Google Cloud, Alibaba Cloud and Azure. */
const METADATA: ReadonlySet<string> = new Set(
  ['fd00:ec2::254', 'fd00:ec2::253', 'fd00:ec2::123', 'fd20:ce::254', '100.100.100.200', '168.63.129.16'].map(
    (address) => ipaddr.parse(address).toString(),
  ),
)

/**
 * Whether a credential may be sent to this IP address. A mapped IPv4 address (RFC 4291 §2.5.5.2) counts as the IPv4 address. Every other
 * embedding (6to4, NAT64, Teredo, IPv4-compatible) is refused, since the embedded address is not checked.
 */
export function isAddressAllowed(address: string, allowPrivateAddresses: boolean): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (METADATA.has(parsed.toString())) return false
  const range = parsed.range()
  if (allowPrivateAddresses && OWN_NETWORKS.has(range)) return true
  return range === 'unicast' && (parsed instanceof ipaddr.IPv4 || isGlobalUnicast(parsed))
}

/** Returns the IP address in a URL's host, in any spelling, or undefined when the host is a name. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return ipaddr.isValid(host) ? host : undefined
}

// IANA has assigned 2000::/3 only, but the library calls every unknown range unicast.
function isGlobalUnicast(address: ipaddr.IPv6): boolean {
  return ((address.parts[0] ?? 0) & 0xe000) === 0x2000
}
