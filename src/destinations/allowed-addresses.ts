import ipaddr from 'ipaddr.js'

/** Addresses of one's own networks. Link-local is not among them: that is where most clouds keep their metadata service. */
const OWN_NETWORKS: ReadonlySet<string> = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat'])

/** Where clouds keep metadata, name and control services outside the link-local ranges: AWS, Google Cloud, Alibaba Cloud, Azure. */
const METADATA: ReadonlySet<string> = new Set(
  ['fd00:ec2::254', 'fd00:ec2::253', 'fd00:ec2::123', 'fd20:ce::254', '100.100.100.200', '168.63.129.16'].map(
    (address) => ipaddr.parse(address).toString(),
  ),
)

/**
 * Whether a credential may be sent to this IP address. IPv4 inside IPv6 counts as the IPv4 address when it is mapped (RFC 4291 §2.5.5.2);
 * every other embedding (6to4, NAT64, Teredo, IPv4-compatible) is refused, since it names an address that nobody checked.
 */
export function isAddressAllowed(address: string, allowPrivateAddresses: boolean): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  if (METADATA.has(parsed.toString())) return false
  const range = parsed.range()
  if (allowPrivateAddresses && OWN_NETWORKS.has(range)) return true
  return range === 'unicast' && (parsed instanceof ipaddr.IPv4 || isGlobalUnicast(parsed))
}

/** The IP address in a URL's host, however it was spelt; undefined when the host is a name. */
export function literalAddress(url: URL): string | undefined {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  return ipaddr.isValid(host) ? host : undefined
}

// 2000::/3 is all that IANA has given out; the library calls everything it does not know unicast.
function isGlobalUnicast(address: ipaddr.IPv6): boolean {
  return ((address.parts[0] ?? 0) & 0xe000) === 0x2000
}
