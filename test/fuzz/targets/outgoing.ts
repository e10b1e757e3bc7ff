import fc from 'fast-check'
import { newChain, sealBatch } from '../../../src/audit/line/audit-chain.ts'
import { auditLineBody } from '../../../src/audit/line/audit-line.ts'
import { createEchoGuard } from '../../../src/core/echo-guard/echo-guard.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { AuditEvent, AuditReason } from '../../../src/core/ports/audit-sink.ts'
import { isAddressAllowed, literalAddress } from '../../../src/destinations/allowed-addresses.ts'
import { createBoundFetch } from '../../../src/destinations/bound-fetch.ts'
import { credentialHeader, headerSchema } from '../../../src/destinations/credential-header.ts'
import { defineDestinations } from '../../../src/destinations/destination.ts'
import { redirectOf } from '../../../src/destinations/redirect.ts'
import { MARKER, mustHold, target } from '../target.ts'
import { anyText, anyValue, textLike } from '../texts.ts'

const variables = defineVariables({
  pat: { label: 'Token', type: 'password' },
  site: { label: 'Site', type: 'url', allowedHosts: ['jira.example.com', '*.corp.example'] },
})
const destinations = defineDestinations(
  [
    { origin: 'https://api.example.com', header: { scheme: 'Bearer', field: 'pat' } },
    { fromField: 'site', header: { name: 'X-Key', field: 'pat', prefix: 'Token ' } },
  ],
  variables,
)
const asked: string[] = []
const bound = createBoundFetch({
  provider: 'jira',
  destinations,
  // Nothing leaves the machine: every name has an address that is refused.
  resolve: async (hostname) => {
    asked.push(hostname)
    return [{ address: '127.0.0.1', family: 4 }]
  },
})

const url = textLike(
  'https://api.example.com/path?x=1',
  'https://user:pw@api.example.com/',
  'https://api.example.com.evil.example/',
  'https://api.example.com\\@evil.example/',
  '//api.example.com/',
  'http://169.254.169.254/',
)

const event = fc.record(
  {
    type: fc.constant('credential.resolved' as const),
    outcome: fc.constant('success' as const),
    correlationId: anyText,
    // Code in plain JavaScript gives any text.
    reason: anyText.map((text) => text as AuditReason),
    owner: fc.record({ issuer: anyText, subject: anyText }),
    actor: fc.oneof(
      fc.constant({ kind: 'operator' as const }),
      fc.record({ kind: fc.constant('user' as const), owner: fc.record({ issuer: anyText, subject: anyText }) }),
    ),
    provider: anyText,
    tool: anyText,
    clientId: anyText,
    address: anyText,
  },
  { requiredKeys: ['type', 'outcome', 'correlationId'] },
)

const secret = anyText.filter((text) => Buffer.byteLength(text) >= 8 && text.trim().length >= 8 && text.length < 2000)

export const outgoing = [
  target(
    'audit line',
    event,
    (given: AuditEvent) => {
      const line = written(given)
      mustHold(/^\{[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*\}\n$/u.test(line), 'more than one plain line')
      mustHold(line.length < 20_000, 'a line without end')
      mustHold(JSON.parse(line).type === given.type, 'another event')
    },
    { weight: 30 },
  ),
  target(
    'audit event of any kind',
    fc.oneof(
      anyValue(),
      fc.record({ type: anyValue(), outcome: anyText, correlationId: anyText, owner: anyValue(), actor: anyValue() }),
    ),
    (given) => {
      const line = written(given as AuditEvent)
      mustHold(typeof JSON.parse(line).type === 'string', 'a line of no event')
    },
    { weight: 20, typeErrors: true },
  ),
  target(
    'echo guard over any value',
    fc.tuple(anyValue(fc.oneof(anyText, fc.constant('a secret of ours'))), secret),
    ([value, pat]) => {
      const guard = createEchoGuard()
      guard.add(variables, { pat })
      guard.finds(value)
    },
    { weight: 30 },
  ),
  target(
    'echo guard finds the secret',
    fc.tuple(secret, anyText, anyText, fc.constantFrom(...encodings())),
    ([pat, before, after, [name, encode]]) => {
      const guard = createEchoGuard()
      guard.add(variables, { pat })
      const content = [{ type: 'text', text: before + encode(pat) + after }]
      mustHold(guard.finds({ content }), `not found: ${name}`)
    },
    { weight: 30 },
  ),
  target(
    'URL to fetch',
    fc.tuple(url, fc.oneof(textLike('https://jira.example.com'), anyText)),
    async ([input, site]) => {
      asked.length = 0
      try {
        await bound.fetch({ pat: MARKER, site }, input)
      } catch (error) {
        if (!(error instanceof CredentialVaultError)) throw error
        const known = asked.every((host) => /^(?:api\.example\.com|jira\.example\.com|.+\.corp\.example)$/.test(host))
        mustHold(known, `it looks for ${asked.join()}`)
        throw error
      }
      mustHold(false, 'something answered')
    },
    { weight: 15 },
  ),
  target(
    'redirect',
    fc.tuple(url, fc.integer({ min: 200, max: 599 }), fc.constantFrom('GET', 'POST', 'PUT')),
    ([location, status, method]) => {
      const headers = { get: (name: string) => (name === 'location' ? location : null) }
      const next = redirectOf(new URL('https://api.example.com/a'), { method }, { status, headers } as never)
      mustHold(next === undefined || (status > 300 && status < 309), 'a redirect by another status')
    },
    { weight: 40 },
  ),
  target(
    'destinations',
    fc.array(
      fc.record(
        {
          origin: fc.oneof(url, anyValue()),
          fromField: fc.oneof(textLike('site', 'pat'), anyValue()),
          header: fc.oneof(fc.record({ scheme: fc.constant('Bearer'), field: fc.constant('pat') }), anyValue()),
        },
        { requiredKeys: ['header'] },
      ),
      { maxLength: 2 },
    ),
    (options) => {
      for (const { origin } of defineDestinations(options as never, variables)) {
        const found = origin({ pat: 'x', site: 'https://jira.example.com/a' })
        mustHold(found === undefined || new URL(found).origin === found, 'no origin')
      }
    },
    { weight: 15 },
  ),
  target(
    'header of a credential',
    fc.tuple(
      fc.oneof(
        fc.record({ name: textLike('X-Key', 'Host'), field: fc.constant('pat'), prefix: anyText }),
        fc.record({
          scheme: fc.constant('Basic'),
          user: fc.record({ value: anyText }),
          password: fc.constant({ field: 'pat' }),
        }),
      ),
      anyText,
    ),
    ([options, pat]) => {
      const parsed = headerSchema.safeParse(options)
      if (!parsed.success) return
      const { name, value } = credentialHeader(parsed.data)
      new Headers().set(name, value({ pat }))
    },
    { weight: 20 },
  ),
  target(
    'address',
    textLike('127.0.0.1', '::ffff:10.0.0.1', '0x7f.1', '2002:7f00:1::', '64:ff9b::1', 'fe80::1%1', '8.8.8.8'),
    (text) => {
      mustHold(!isAddressAllowed(text, false) || !/^(?:10|127|169\.254)\./.test(text), 'a private address')
      if (URL.canParse(`http://${text}/`)) literalAddress(new URL(`http://${text}/`))
    },
    { weight: 40 },
  ),
]

function written(given: AuditEvent): string {
  return sealBatch(newChain('w'), [auditLineBody(given)], { sign: () => '' }).text
}

function encodings(): readonly (readonly [string, (text: string) => string])[] {
  return [
    ['as it is', (text) => text],
    ['JSON', (text) => JSON.stringify(text)],
    ['base64', (text) => Buffer.from(text).toString('base64')],
    ['base64url', (text) => Buffer.from(text).toString('base64url')],
    ['hex', (text) => Buffer.from(text).toString('hex')],
    ['form', (text) => new URLSearchParams({ a: text }).toString()],
    ['reversed', (text) => [...text].reverse().join('')],
  ]
}
