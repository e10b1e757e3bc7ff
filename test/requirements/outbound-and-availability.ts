import { ask, type Chapter } from './requirement.ts'

const OTHER_ORIGIN = ['attacks/fetch/other-origin', '%s is refused, and nothing is sent'] as const

export const outboundAndAvailability: Chapter = {
  title: 'Calls to others, and availability',
  requirements: [
    ask('ASVS 1.2.5', 1, 'No operating-system command can be injected.').tested([
      'architecture',
      'imports only what its layer may',
    ]),
    ask('ASVS 1.3.6', 2, 'Requests built from input obey an allow-list.').tested(
      OTHER_ORIGIN,
      ['attacks/fetch/private-addresses', '%s is refused, and nothing is sent'],
      ['attacks/fetch/dns-rebinding', 'what was checked is what is connected to'],
      ['attacks/fetch/userinfo', 'user:password@'],
    ),
    ask('ASVS 1.5.2', 2, 'Data from outside is read into known shapes.').tested(
      ['core/credentials/credentials', 'a stored value that does not fit is malformed, with the field names alone'],
      ['identity/issuer/issuer-metadata', 'prevents opening'],
    ),
    ask('ASVS 1.5.3', 3, 'One parser reads each thing.').tested([
      'attacks/form/control-characters',
      'bytes that are no UTF-8 are refused',
    ]),
    ask('ASVS 4.1.2', 2, 'Only browser pages are led from http to https.').reasoned(
      'Nothing here redirects from http to https; the proxy or nobody does.',
    ),
    ask('ASVS 12.1.1', 1, 'TLS is current.').reasoned(
      'The operator terminates TLS, at a proxy or with a Node.js https server, whose lowest version is TLS 1.2.',
    ),
    ask('ASVS 12.1.2', 2, 'Cipher suites are strong ones.').reasoned(
      'As above: the defaults of Node.js, or of the proxy.',
    ),
    ask('ASVS 12.2.1', 1, 'Clients are served over TLS without a way back.').tested([
      'vault/open-vault',
      'opening refuses',
    ]),
    ask('ASVS 12.3.1', 2, 'Connections to others are encrypted.').tested(
      ['identity/oidc-options', 'an http issuer off loopback has to be asked for by its name'],
      ['identity/issuer/issuer-metadata', 'http://keys.example.com/jwks'],
    ),
    ask('ASVS 12.3.2', 2, 'Certificates are checked.').tested([
      'vault/open-vault',
      'a process whose TLS checks are switched off',
    ]),
    ask('ASVS 12.3.4', 2, 'Internal services use trusted certificates.').reasoned(
      'NODE_EXTRA_CA_CERTS adds the own authority for the identity provider and for declared destinations.',
    ),
    ask('ASVS 12.3.5', 3, 'Services prove themselves to each other with certificates.').open(
      'Not for the identity provider and destinations.',
    ),
    ask('ASVS 13.1.1', 2, 'All peers are listed.').reasoned(
      'The issuer and the destinations that a provider declares; docs/configuration.md names both, and nothing else is called.',
    ),
    ask('ASVS 13.2.4', 2, 'No other peers are called.').tested(OTHER_ORIGIN, [
      'browser/accessibility',
      'asks another server, or breaks its own policy',
    ]),
    ask('ASVS 13.1.2', 3, 'Limits of connections are documented.').reasoned('docs/configuration.md, "Fixed limits".'),
    ask('ASVS 13.1.3', 3, 'Timeouts and retries are documented.').reasoned('docs/configuration.md, "Fixed limits".'),
    ask('ASVS 13.2.6', 3, 'They are kept.').tested([
      'core/credentials/credentials',
      'a backend that never answers is given up after the deadline',
    ]),
    ask('ASVS 13.2.1', 2, 'Services prove themselves with short-lived credentials of their own.').reasoned(
      'The sealed file has no service to log in to; the client at the identity provider may be public, and then has no secret.',
    ),
    ask('ASVS 15.3.2', 2, 'Redirects are not followed unless meant.').tested(
      ['attacks/fetch/redirect', 'a redirect %s is an error'],
      ['identity/issuer/issuer-metadata', 'no redirect is followed'],
    ),
    ask('ASVS 1.2.9', 2, 'What goes into a regular expression is escaped.').reasoned(
      'No text from outside becomes one: only `pattern`, which the operator writes.',
    ),
    ask('ASVS 1.3.12', 3, 'No regular expression runs away.').tested([
      'attacks/form/guide-slow-markdown',
      'is rendered at once',
    ]),
    ask('ASVS 2.3.1', 1, 'Steps run in their order and for one user.').tested(
      ['attacks/link/opened-before-sign-in', 'without a sign-in, a link shows nothing, sets nothing and takes nothing'],
      ['attacks/session/login-csrf', 'a callback works once'],
    ),
    ask('ASVS 2.1.3', 2, 'Limits are documented.').tested(['docs/configuration', 'every option of $file has a row']),
    ask('ASVS 2.3.2', 2, 'Limits are enforced.').tested([
      'web/http/rate-limits',
      'the 11th submit of one person in a minute is refused',
    ]),
    ask('ASVS 2.4.1', 2, 'What is costly is guarded from programs.').tested(
      ['web/http/rate-limits', 'the 61st page in a minute from one address, and the 11th login, are refused'],
      [
        'attacks/calls/waiting-call-limit',
        'connections that are dropped before they are answered leave no session behind',
      ],
    ),
    ask('ASVS 4.1.3', 2, 'Headers that a proxy sets cannot be forged.').tested([
      'attacks/form/forwarded-headers',
      'no header of a proxy changes what pages',
    ]),
    ask('ASVS 15.3.4', 2, "The client's address is the right one.").tested([
      'attacks/form/forwarded-headers',
      'behind one proxy only the address that the proxy itself appended counts',
    ]),
    ask('ASVS 4.1.4', 3, 'Only supported methods are served.').tested([
      'attacks/link/prefetch-and-head-consume-nothing',
      'every other method is refused on every path',
    ]),
    ask('ASVS 13.4.4', 2, 'TRACE is refused.').tested(['web/https-server', "method: 'TRACE'"]),
    ask('ASVS 4.2.1', 2, 'Messages have one end.').tested(
      ['attacks/http/slow-requests', 'whoever sends a head or a body a byte at a time is cut off'],
      ['attacks/http/request-smuggling', 'is refused and the connection closed'],
    ),
    ask('ASVS 15.1.3', 2, 'Costly functions are named.').reasoned(
      'docs/configuration.md, "Fixed limits", and docs/performance.md, "What costs".',
    ),
    ask('ASVS 15.2.2', 2, 'They are bounded.').tested(
      ['attacks/http/slow-requests', 'whoever sends a head or a body a byte at a time is cut off'],
      ['attacks/form/oversized-body', 'a chunked body is cut off at 64 kB'],
    ),
  ],
}
