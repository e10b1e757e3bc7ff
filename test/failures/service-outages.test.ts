import { createServer, type Server } from 'node:net'
import { Agent, request } from 'undici'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { awsSecretsManagerBackend } from '../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vaultBackend } from '../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { connectionFailure } from '../../src/core/network/connection-failure.ts'
import { call, put } from '../../src/testing/secret-backend/calls.ts'
import { freePort } from '../harness/free-port.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../harness/http-service.ts'
import { openIdentity } from '../harness/identity/opened-identity.ts'
import { type Harness, startHarness } from '../harness/mcp-harness.ts'
import { rejectionOf } from '../harness/thrown-error.ts'

let bao: OpenBao
let plain: HttpService
const endings: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  bao = await startOpenBao({ tls: true })
  plain = await startService()
}, 60_000)
afterAll(async () => {
  await bao.stop()
  await plain.close()
})
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

const https = (service: HttpService) => service.origin.replace('http:', 'https:')

/** A server that answers each first packet in its own way. */
async function rawServer(answer: string | undefined): Promise<string> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => (answer === undefined ? socket.destroy() : socket.end(answer)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  endings.push(() => new Promise((resolve) => server.close(resolve)))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

const noName = async () => {
  throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
}

const OUTAGES: readonly [string, boolean, () => string | Promise<string>][] = [
  ['service_refused', true, async () => `http://127.0.0.1:${await freePort()}`],
  ['service_dns', true, () => 'https://service.invalid'],
  ['service_tls', false, () => bao.address],
  ['service_plain_http', false, () => https(plain)],
  ['service_broken_off', true, () => rawServer(undefined)],
  ['service_not_http', false, () => rawServer('220 mail.example.com ready\r\n')],
]

test.each(OUTAGES)('F5: bound fetch says %s, and that it may be tried again: %s', async (reason, retryable, at) => {
  const origin = await at()
  const bound = fetchTo([{ origin, header: bearer }], reason === 'service_dns' ? { resolve: noName } : {})
  endings.push(() => bound.close())
  const told: string[] = []
  const owner = { issuer: 'https://login.example.com', subject: 'alice' }
  const unreachable = async (...problem: string[]) => void told.push(problem.join(' '))
  const error = await rejectionOf(bound.fetch({ pat: PAT }, `${origin}/path`, {}, { owner, unreachable }))
  expect(error).toMatchObject({ code: 'unavailable', reason, retryable })
  expect(error).not.toHaveProperty('cause')
  expect(error.message).not.toMatch(/127\.0\.0|\bE[A-Z]{5,}|path|marker/)
  expect(told).toEqual([`${origin} ${reason}`])
})

test('F5: a service that takes too long is a timeout', async () => {
  const silent = await startService(() => undefined)
  const agent = new Agent({ headersTimeout: 1, bodyTimeout: 1 })
  endings.push(() => agent.destroy(), silent.close)
  const error = await request(silent.origin, { dispatcher: agent }).catch((thrown: unknown) => thrown)
  expect(connectionFailure(error)).toBe('timeout')
  expect(connectionFailure(new TypeError('fetch failed', { cause: error }))).toBe('timeout')
  expect(connectionFailure(new DOMException('over', 'TimeoutError'))).toBe('timeout')
})

test('F5: an error that says nothing of a connection, or that is its own cause, is none', () => {
  const circular = new Error('a')
  circular.cause = circular
  for (const error of [undefined, 'ECONNREFUSED', new Error('ECONNREFUSED'), circular])
    expect(connectionFailure(error)).toBeUndefined()
})

async function harnessAt(origin: string, warnings: string[]): Promise<Harness> {
  const harness = await startHarness({
    warn: (message) => warnings.push(message),
    jira: { destinations: [{ origin, header: bearer }] },
    tools: (server, gate, { jira }) =>
      void server.registerTool(
        'ask',
        {},
        gate(jira, { tool: 'ask' }, async (extra) => {
          const answer = await jira.getCredentials(extra).fetch('/rest')
          return { content: [{ type: 'text', text: await answer.text() }] }
        }),
      ),
  })
  endings.push(() => harness.close())
  await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: PAT })
  return harness
}

test('F5: the user reads that the service cannot be reached, the operator why, in log and audit', async () => {
  const origin = `http://127.0.0.1:${await freePort()}`
  const warnings: string[] = []
  const harness = await harnessAt(origin, warnings)
  const alice = await harness.connect('alice')
  const answers = [await alice.text('ask'), await alice.text('ask')]
  for (const { text, isError } of answers) {
    expect(isError).toBe(true)
    expect(text).toContain('Jira itself cannot be reached right now (service_refused)')
    expect(text).toContain('Try again later')
    expect(text).not.toMatch(/lost|credential cannot/)
  }
  const lines = harness.audit.events.filter(({ type }) => type === 'credential.service_unreachable')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toMatchObject({
    outcome: 'error',
    reason: 'service_refused',
    destination: origin,
    provider: 'jira',
    owner: harness.owner('alice'),
    tool: 'ask',
  })
  // Once for both: a service that is down for an hour must not fill the log.
  expect(warnings).toEqual([
    `jira: ${origin} cannot be reached: service_refused (correlation id ${lines[0]?.correlationId})`,
  ])
  expect(harness.vault.problems().size).toBe(0)
})

test('F12: https to plain http is what the user is to tell the operator, since waiting does not help', async () => {
  const harness = await harnessAt(https(plain), [])
  const { text } = await (await harness.connect('alice')).text('ask')
  expect(text).toContain('(service_plain_http)')
  expect(text).toContain('Ask the people who run this server')
})

test.each(['read', 'write'] as const)(
  'F12: https spoken to a Vault that speaks plain http is told as such (%s)',
  async (what) => {
    const backend = vaultBackend({
      address: https(plain),
      auth: { method: 'token', token: ROOT_TOKEN },
      mount: 'secret',
      warn: () => undefined,
    })
    endings.push(() => backend.close())
    const key = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
    const work = async () => {
      await backend.open()
      await (what === 'read' ? backend.read(key, call()) : put(backend, key, { pat: PAT }))
    }
    const error = await rejectionOf(work())
    expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'plain_http' })
    expect(error.message).toContain('speaks plain http')
  },
)

test('F12: so is an endpoint of AWS', async () => {
  const credentials = async () => ({ accessKeyId: 'a', secretAccessKey: 'b' })
  const backend = awsSecretsManagerBackend({
    region: 'eu-central-1',
    endpoint: https(plain),
    credentials,
    warn: () => undefined,
  })
  endings.push(() => backend.close())
  expect(await rejectionOf(backend.open())).toMatchObject({ code: 'configuration_invalid', reason: 'plain_http' })
})

test('F12: so is an identity provider, and one whose certificate is refused', async () => {
  for (const [issuer, reason] of [
    [https(plain), 'issuer_plain_http'],
    [bao.address, 'issuer_tls'],
  ] as const) {
    const identity = await openIdentity({
      issuer,
      clientId: 'form',
      introspection: { clientId: 'a', clientSecret: 'b' },
    })
    expect(await rejectionOf(identity.verifyToken('opaque'))).toMatchObject({ code: 'unavailable', reason })
  }
})
