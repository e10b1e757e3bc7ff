import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { auditReconcile } from '../../../src/cli/audit/reconcile.ts'
import { auditVerify } from '../../../src/cli/audit/verify.ts'
import { doctor } from '../../../src/cli/doctor/doctor.ts'
import { runCommand } from '../../../src/cli/terminal/command.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import { call } from '../../../src/testing/secret-backend/calls.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../../harness/aws/aws-emulator.ts'
import { createCredentials } from '../../harness/credential-services.ts'
import { hashicorpOperator } from '../../harness/hashicorp-vault/hashicorp-operator.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'

const root = mkdtempSync(join(tmpdir(), 'reconcile-'))
const ISSUER = 'https://login.example.com'
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const keyOf = (subject: string) => storageKey('jira', { issuer: ISSUER, subject })
let bao: OpenBao
let emulator: AwsEmulator

beforeAll(async () => {
  ;[bao, emulator] = await Promise.all([startOpenBao(), startAwsEmulator('ministack')])
  vi.stubEnv('AWS_REGION', REGION)
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', emulator.endpoint)
  vi.stubEnv('AWS_ACCESS_KEY_ID', ROOT_KEYS.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', ROOT_KEYS.secretAccessKey)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await Promise.all([bao.stop(), emulator.stop()])
  rmSync(root, { recursive: true })
})

async function run(environment: NodeJS.ProcessEnv, command: typeof auditReconcile, words: readonly string[]) {
  let out = ''
  const print = (text: string) => {
    out += text
  }
  const terminal = { out: print, error: print, environment, readSecret: async () => '' }
  return { code: await runCommand(command, words, terminal), out }
}

/** Saves, releases, rotates and revokes, as a server and operators do. */
async function work(environment: NodeJS.ProcessEnv): Promise<void> {
  const { backend, audit } = createStores(environment)
  await backend.open()
  const health = createHealth(() => {})
  const credentials = createCredentials({ backend, journal: createJournal({ audit, health }), health, cacheTtl: 0 })
  for (const subject of ['alice', 'bob']) {
    const context = { correlationId: `call-of-${subject}` }
    await credentials.save(keyOf(subject), { pat: 'one' }, context)
    await credentials.release(keyOf(subject), variables, context)
    await credentials.rotate(keyOf(subject), { value: 'two' }, context)
    const found = await backend.stat(keyOf(subject), call())
    if (found.status === 'active') await backend.markRejected?.(keyOf(subject), found.version, new Date(), call())
  }
  await credentials.revoke(keyOf('bob'), { purge: false }, { correlationId: 'end-of-bob' })
  await credentials.release(keyOf('carol'), variables, { correlationId: 'call-of-carol' }).catch(() => undefined)
  credentials.close()
  await audit.close()
  await backend.close()
}

test("Vault's own audit log and ours tell of the same accesses, and of whoever else comes", async () => {
  // The set-up of OpenBao in docs/audit.md.
  await bao.api('PUT', 'sys/config/auditing/request-headers/X-Correlation-Id', { hmac: false })
  const mount = await bao.newMount()
  const environment = {
    MCP_VAULT_BACKEND: 'vault',
    MCP_AUDIT_FOLDER: join(root, 'vault'),
    MCP_AUDIT_KEY: generateKeyText(),
    VAULT_ADDR: bao.address,
    VAULT_TOKEN: ROOT_TOKEN,
    VAULT_KV_MOUNT: mount,
  }
  await work(environment)
  expect((await run(environment, doctor, [])).code).toBe(0)

  const reconciled = (...words: string[]) => {
    const file = join(root, 'vault-audit.log')
    writeFileSync(
      file,
      bao
        .auditLines()
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    )
    return run(environment, auditReconcile, ['--vault-log', file, '--margin', '0', ...words])
  }
  const good = await reconciled('--json')
  const joined = JSON.parse(good.out)
  expect(joined).toMatchObject({ onlyBackend: [], onlyOurs: [] })
  // Two saves, three reads and a rotation with its own read for each of two; and the probes of doctor.
  expect(joined.byRequestId).toBeGreaterThanOrEqual(8)
  expect(joined.byCorrelationId).toBeGreaterThanOrEqual(3)
  expect(good.code).toBe(0)

  // Every access of ours is in Vault's log under the correlation id, too.
  const headers = bao.auditLines().flatMap(({ request }) => correlationOf(request))
  for (const id of ['call-of-alice', 'call-of-bob', 'end-of-bob', 'call-of-carol']) expect(headers).toContain(id)

  await hashicorpOperator(bao, mount).put(keyOf('alice'), { pat: 'by hand' })
  await bao.api('GET', `${mount}/data/mcp/jira/somebody/else`).catch(() => undefined)
  const bad = await reconciled()
  expect(bad.code).toBe(1)
  expect(bad.out).toContain("2 accesses are only in the backend's log:")
  expect(bad.out).toMatch(new RegExp(`(update|create) ${mount}/data/mcp/jira/`))
  expect(bad.out).toMatch(new RegExp(`read ${mount}/data/mcp/jira/somebody/else`))
  expect(bad.out).not.toContain('by hand')

  // Lines that were removed from Vault's log are reported as missing, too.
  const file = join(root, 'cut.log')
  const lines = bao.auditLines()
  const cut = lines.filter(({ request }) => !correlationOf(request).includes('call-of-alice'))
  writeFileSync(file, cut.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const missing = await run(environment, auditReconcile, ['--vault-log', file, '--margin', '0'])
  expect(missing.out).toMatch(/\d+ requests of this server are not in the backend's log:/)
  expect(missing.out).toContain('call-of-alice')
  expect((await run(environment, auditVerify, ['--store'])).code).toBe(0)
})

function correlationOf(request: unknown): readonly string[] {
  const headers = (request as { headers?: Record<string, string[]> } | undefined)?.headers
  return headers?.['x-correlation-id'] ?? []
}

test('CloudTrail and our log tell of the same accesses, and of whoever else comes', async () => {
  const prefix = 'team/mcp'
  const environment = {
    MCP_VAULT_BACKEND: 'aws-secrets-manager',
    MCP_AWS_PREFIX: prefix,
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: emulator.endpoint,
    MCP_AUDIT_FOLDER: join(root, 'aws'),
    MCP_AUDIT_KEY: generateKeyText(),
  }
  await work(environment)

  const events = await lookUpEvents(emulator)
  const reconciled = async (name: string, content: string | Buffer) => {
    const file = join(root, name)
    writeFileSync(file, content)
    return run(environment, auditReconcile, ['--cloudtrail', file, '--margin', '0', '--json'])
  }
  const good = await reconciled('events.json', JSON.stringify({ Events: events }))
  const joined = JSON.parse(good.out)
  expect(joined).toMatchObject({ onlyBackend: [], onlyOurs: [], byCorrelationId: 0 })
  expect(joined.byRequestId).toBeGreaterThanOrEqual(8)
  expect(good.code).toBe(0)

  const { SecretList = [] } = await emulator.administrator.listSecrets({})
  const SecretId = SecretList.find(({ Name = '' }) => Name.includes('alice'))?.Name ?? ''
  await emulator.administrator.getSecretValue({ SecretId })
  const records = (await lookUpEvents(emulator)).map(({ CloudTrailEvent }) => JSON.parse(CloudTrailEvent))
  const bad = await reconciled('delivered.json.gz', gzipSync(JSON.stringify({ Records: records })))
  expect(bad.code).toBe(1)
  const { onlyBackend } = JSON.parse(bad.out)
  expect(onlyBackend).toMatchObject([{ operation: `GetSecretValue ${SecretId}` }])
  expect((await run(environment, auditVerify, ['--store'])).code).toBe(0)
})

async function lookUpEvents({ endpoint }: AwsEmulator): Promise<readonly { readonly CloudTrailEvent: string }[]> {
  const events: { CloudTrailEvent: string }[] = []
  let next: string | undefined
  do {
    const date = new Date().toISOString().slice(0, 10).replaceAll('-', '')
    const answer = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents',
        authorization: `AWS4-HMAC-SHA256 Credential=test/${date}/us-east-1/cloudtrail/aws4_request, SignedHeaders=host, Signature=0`,
        'x-amz-date': `${date}T000000Z`,
      },
      body: JSON.stringify({ MaxResults: 50, ...(next !== undefined && { NextToken: next }) }),
    })
    const page = (await answer.json()) as { Events: typeof events; NextToken?: string }
    events.push(...page.Events)
    next = page.NextToken
  } while (next !== undefined)
  return events
}
