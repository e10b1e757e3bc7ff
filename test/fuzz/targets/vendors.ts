import { isIP } from 'node:net'
import fc from 'fast-check'
import type { AwsClient } from '../../../src/backends/aws-secrets-manager/aws-client.ts'
import { readSecret } from '../../../src/backends/aws-secrets-manager/reading.ts'
import { secretOf } from '../../../src/backends/aws-secrets-manager/secret.ts'
import { createKv } from '../../../src/backends/hashicorp-vault/kv.ts'
import { isMarkedRevoked } from '../../../src/backends/hashicorp-vault/labels.ts'
import { metadataOf, statusOf } from '../../../src/backends/hashicorp-vault/metadata.ts'
import { parseAddress } from '../../../src/backends/hashicorp-vault/transport/addresses.ts'
import { hashicorpVaultError } from '../../../src/backends/hashicorp-vault/transport/answer-error.ts'
import type { HashicorpVaultAnswer } from '../../../src/backends/hashicorp-vault/transport/exchange.ts'
import { ownerFromLabels } from '../../../src/backends/vendor/hashed-name-labels.ts'
import { keyOfName, vendorName } from '../../../src/backends/vendor/vendor-name.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { CredentialLookup, CredentialStatus } from '../../../src/core/ports/secret-backend.ts'
import { MARKER, mustHold, target } from '../target.ts'
import { anyJson, anyText, mutated, optionsLike, textLike } from '../texts.ts'

const call = { signal: new AbortController().signal, correlationId: 'fuzz' }
const owner = { issuer: 'https://login.example.com', subject: `auth0|${'alice'.repeat(30)}` }
const key = storageKey('jira', owner)

const time = textLike('2026-11-24T11:00:00.123456789Z', '')
const date = textLike('Tue, 24 Nov 2026 11:00:00 GMT')
const status = fc.constantFrom(200, 404)

const version = optionsLike({
  created_time: time,
  deletion_time: time,
  destroyed: fc.boolean(),
  version: fc.constantFrom(1, 2, 0, -1, 1.5, Number.MAX_SAFE_INTEGER),
})
const labels = optionsLike({
  'mcp-version': fc.constantFrom('1', '2', '01'),
  'mcp-operation': anyText,
  'mcp-fields': textLike('pat base_url'),
  'mcp-revoked': time,
  'mcp-subject-1': mutated(Buffer.from(owner.subject).toString('base64url')),
  'mcp-issuer-1': anyText,
})
const stored = optionsLike({ data: optionsLike({ pat: fc.constant(MARKER) }), metadata: version })
const described = optionsLike({
  current_version: fc.constantFrom(0, 1, 2),
  versions: fc.dictionary(fc.oneof(fc.constantFrom('1', '2', '3'), anyText), version, { maxKeys: 4 }),
  custom_metadata: labels,
})

/** As it comes out of JSON, so that nothing is in it that could not have come over the wire. */
function wired(body: unknown): HashicorpVaultAnswer['body'] {
  const parsed: unknown = JSON.parse(
    JSON.stringify(body, (_, value) => (typeof value === 'bigint' ? String(value) : value)) ?? 'null',
  )
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined
}

function checkStatus({ status: name, ...rest }: CredentialStatus | CredentialLookup): void {
  mustHold(['active', 'revoked', 'absent'].includes(name), 'another status')
  if ('version' in rest) mustHold(String(rest.version.ref) !== '', 'a version without a name')
  else mustHold(name === 'absent', 'no version')
}

const secretText = JSON.stringify({ pat: MARKER, base_url: 'https://jira.example.com' })

/** Answers every operation with what the input says. */
function clientOf(answers: { readonly text: string; readonly id: string }): AwsClient {
  const client = async () => ({
    SecretString: answers.text,
    VersionId: answers.id,
    CreatedDate: new Date(0),
    ARN: 'arn',
  })
  return Object.assign(client, { close: () => undefined })
}

const stages = fc.dictionary(
  textLike('mcp-revoked-1', 'v1'),
  fc.array(fc.constantFrom('AWSCURRENT', 'AWSPREVIOUS', 'x')),
)
const tag = fc.record(
  {
    Key: textLike('mcp:version', 'mcp:fields', 'mcp:subject-1', 'mcp:issuer-1'),
    Value: textLike('v1', 'pat base_url', Buffer.from(owner.subject).toString('base64url')),
  },
  { requiredKeys: [] },
)

export const vendors = [
  target(
    'Vault KV answer',
    fc.record({ status, date, body: fc.oneof(optionsLike({ data: stored, request_id: anyText }), anyJson) }),
    async (given) => {
      const answer = { status: given.status, headers: { date: given.date }, body: wired(given.body) }
      const found = await createKv('secret', async () => answer).read('mcp/jira/x/alice', call)
      checkStatus(found)
      mustHold(found.status !== 'active' || given.status === 200, 'a value in a 404')
      if (found.status !== 'active')
        mustHold(!JSON.stringify(found).includes('"values"'), 'a value of no active version')
    },
    { weight: 40 },
  ),
  target(
    'Vault metadata and labels',
    fc.record({ status, date, body: fc.oneof(optionsLike({ data: described }), anyJson) }),
    (given) => {
      const metadata = metadataOf({ status: given.status, headers: { date: given.date }, body: wired(given.body) })
      checkStatus(statusOf(metadata))
      if (!metadata) return
      isMarkedRevoked(metadata.customMetadata, metadata.current)
      const hidden = ownerFromLabels(metadata.customMetadata, '-')
      const found = keyOfName(vendorName(key, 'hashed').path, hidden, 'hashed')
      mustHold(found === undefined || found.path === key.path, "somebody else's labels")
    },
    { weight: 40 },
  ),
  target(
    'AWS secret string',
    fc.record({ text: textLike(secretText, '[]', 'null', '""'), id: textLike('v1', 'mcp-revoked-1') }),
    async (answers) => {
      const found = await readSecret(clientOf(answers), 'mcp/jira/x/alice.cred', call)
      checkStatus(found)
      mustHold(found.status !== 'active' || !answers.id.startsWith('mcp-revoked-'), 'a tombstone that is active')
    },
    { weight: 40 },
  ),
  target(
    'AWS description and tags',
    fc.record(
      {
        VersionIdsToStages: stages,
        Tags: fc.array(tag, { maxLength: 6 }),
        DeletedDate: fc.date(),
        LastChangedDate: fc.date(),
      },
      { requiredKeys: [] },
    ),
    (description) => {
      const secret = secretOf(description)
      checkStatus(secret.status)
      const deleted = 'DeletedDate' in description
      mustHold(secret.status.status !== 'active' || (!deleted && secret.current !== undefined), 'deleted and active')
      const found = keyOfName(vendorName(key, 'hashed').path, ownerFromLabels(secret.tags, ':'), 'hashed')
      mustHold(found === undefined || found.path === key.path, "somebody else's tags")
    },
    { weight: 30 },
  ),
  target(
    'Vault address',
    textLike('https://vault.example.com:8200', 'http://127.0.0.1:8200', 'unix:///run/vault%20a.sock', 'http://[::1]:1'),
    (text) => {
      const { origin, socketPath } = parseAddress(text, false)
      const url = new URL(origin)
      mustHold(url.origin === origin && url.pathname === '/', 'more than an origin')
      const loopback = url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\./.test(url.hostname)
      mustHold(url.protocol === 'https:' || loopback, 'http to another machine')
      mustHold(!/^127\./.test(url.hostname) || isIP(url.hostname) === 4, 'a name for an address')
      mustHold(socketPath === undefined || socketPath.startsWith('/'), 'a socket without a path')
    },
    { weight: 40 },
  ),
  target(
    'Retry-After of Vault',
    textLike('1', '120', '0.5', '1e9', '0x10', 'Tue, 24 Nov 2026 11:00:00 GMT'),
    (text) => {
      const answer = { status: 429, headers: { 'retry-after': text }, body: {} }
      const { code, retryAfterSeconds } = hashicorpVaultError(answer, {
        method: 'GET',
        path: 'secret',
        signal: call.signal,
      })
      mustHold(code === 'unavailable', 'another error')
      const fits = retryAfterSeconds === undefined || (retryAfterSeconds > 0 && retryAfterSeconds <= 3600)
      mustHold(fits, 'a wait without measure')
    },
    { weight: 20 },
  ),
]
