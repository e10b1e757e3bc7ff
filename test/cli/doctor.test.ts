import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { awsSecretsManagerBackend } from '../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { type HashicorpVaultAuthOptions, vaultBackend } from '../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { doctor } from '../../src/cli/doctor/doctor.ts'
import { checkBackend } from '../../src/cli/doctor/doctor-checks.ts'
import { runCommand } from '../../src/cli/terminal/command.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { call, put, remove, statusOfAll, valuesOf } from '../../src/testing/secret-backend/calls.ts'
import { type AwsEmulator, REGION, startAwsEmulator } from '../harness/aws/aws-emulator.ts'
import { type AwsProxy, startAwsProxy } from '../harness/aws/aws-proxy.ts'
import { type AwsUser, awsPolicy, newAwsUser } from '../harness/aws/aws-users.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { rejectionOf } from '../harness/thrown-error.ts'

const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const POLICIES = join(import.meta.dirname, '../../docs/backends/policies')

/** Doctor's findings that are wrong, in one text. */
async function wrongWith(backend: SecretBackend, provider: string | undefined = 'jira'): Promise<string> {
  const results = await checkBackend(backend, { provider, correlationId: 'doctor-test' })
  return results
    .filter(({ result }) => result === 'wrong')
    .map(({ check, detail }) => `${check}: ${detail}`)
    .join('\n')
}

describe('vault', () => {
  let bao: OpenBao

  beforeAll(async () => {
    bao = await startOpenBao()
  })
  afterAll(() => bao.stop())

  /** The very files of the docs, for a mount of the test's own. */
  const policyFile = (name: string, mount: string) =>
    readFileSync(join(POLICIES, `vault-${name}.hcl`), 'utf8').replaceAll('"secret/', `"${mount}/`)

  async function login(policy: string): Promise<HashicorpVaultAuthOptions> {
    const name = `policy-${randomUUID().slice(0, 8)}`
    await bao.api('PUT', `sys/policies/acl/${name}`, { policy })
    const { body } = await bao.api('POST', 'auth/token/create', { policies: [name], ttl: '1h' })
    return { method: 'token', token: body.auth.client_token }
  }

  async function setUp(extra: { readonly form?: string; readonly tool?: string } = {}) {
    const mount = await bao.newMount()
    const at = (text = '') => text.replaceAll('"secret/', `"${mount}/`)
    const write = await login(policyFile('form', mount) + at(extra.form))
    const read = await login(policyFile('tool', mount) + at(extra.tool))
    const operator = await login(policyFile('operator', mount))
    const make = (auth: Parameters<typeof vaultBackend>[0]['auth']) =>
      vaultBackend({ address: bao.address, mount, auth, warn: () => undefined })
    return { mount, read, write, operator, make }
  }

  async function opened(backend: SecretBackend): Promise<SecretBackend> {
    await backend.open()
    return backend
  }

  test('the form’s policy saves and revokes, and is refused every value', async () => {
    const { make, write, mount } = await setUp()
    const form = await opened(make({ write }))
    await put(form, ALICE, { pat: 'one' })
    await put(form, ALICE, { pat: 'two' })
    expect(await form.stat(ALICE, call())).toMatchObject({ status: 'active', fields: ['pat'] })
    expect(await rejectionOf(form.read(ALICE, call()))).toMatchObject({ code: 'forbidden', reason: 'no_read_login' })
    const asReader = await opened(make({ read: write }))
    expect(await rejectionOf(asReader.read(ALICE, call()))).toMatchObject({ code: 'forbidden', reason: 'policy' })
    const { token } = write as { token: string }
    for (const path of ['?version=1', '']) {
      const direct = bao.api('GET', `${mount}/data/mcp/jira/x${path}`, undefined, { token })
      await expect(direct).rejects.toThrow('403')
    }
    expect(await remove(form, ALICE)).toBe(true)
    expect((await form.stat(ALICE, call())).status).toBe('revoked')
    await put(form, ALICE, { pat: 'three' })
  })

  test('the tools’ policy reads, and is refused every change', async () => {
    const { make, read, write } = await setUp()
    const tools = await opened(make({ read }))
    await put(await opened(make({ write })), ALICE, { pat: 'one' })
    expect(await valuesOf(tools, ALICE)).toEqual({ pat: 'one' })
    const asWriter = await opened(make({ write: read }))
    expect(await rejectionOf(put(asWriter, ALICE, { pat: 'x' }))).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf(remove(asWriter, ALICE))).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf(remove(asWriter, ALICE, { purge: true }))).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf(statusOfAll(tools))).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf(put(tools, ALICE, { pat: 'x' }))).toMatchObject({ reason: 'no_write_login' })
  })

  test('the tools’ policy marks a rejected value, and cannot touch versions, settings or values', async () => {
    const { make, read, write, mount } = await setUp()
    const tools = await opened(make({ read }))
    const form = await opened(make({ write }))
    const version = await put(form, ALICE, { pat: 'refused' })
    expect(await tools.markRejected?.(ALICE, version, new Date(), call())).toBe(true)
    expect(await form.stat(ALICE, call())).toMatchObject({ labels: { rejectedAt: expect.any(Date) } })
    const { token } = read as { token: string }
    const at = (engine: string) => tools.locate(ALICE).replace(`${mount}/`, `${mount}/${engine}/`)
    for (const [method, engine, body] of [
      ['PATCH', 'metadata', { max_versions: 1 }],
      ['PATCH', 'metadata', { delete_version_after: '1s' }],
      ['PATCH', 'metadata', { custom_metadata: { a: 'b' }, cas_required: true }],
      ['PUT', 'metadata', { custom_metadata: { a: 'b' } }],
      ['DELETE', 'metadata', undefined],
      ['PATCH', 'data', { data: { pat: 'x' } }],
      ['PUT', 'data', { data: { pat: 'x' } }],
      ['DELETE', 'data', undefined],
      ['PUT', 'delete', { versions: [1] }],
      ['PUT', 'destroy', { versions: [1] }],
    ] as const)
      await expect(bao.api(method, at(engine), body, { token })).rejects.toThrow('403')
    expect(await valuesOf(tools, ALICE)).toEqual({ pat: 'refused' })
    expect(await form.markRejected?.(ALICE, version, undefined, call())).toBe(true)
    expect(await tools.stat(ALICE, call())).toMatchObject({ status: 'active', labels: {} })
  })

  test('both in one process do what either may', async () => {
    const { make, read, write, operator } = await setUp()
    const backend = await opened(make({ read, write }))
    await put(backend, ALICE, { pat: 'one' })
    expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'one' })
    expect(await remove(backend, ALICE)).toBe(true)
    const operators = await opened(make(operator))
    expect((await statusOfAll(operators)).get(ALICE.path)).toBe('revoked')
    expect(await remove(operators, ALICE, { purge: true })).toBe(true)
    expect((await statusOfAll(operators)).size).toBe(0)
  })

  test('doctor finds nothing wrong with the policies, together or apart, and leaves no value behind', async () => {
    const { make, read, write, operator, mount } = await setUp()
    expect(await wrongWith(make({ read, write }))).toBe('')
    expect(await wrongWith(make({ read }))).toBe('')
    expect(await wrongWith(make({ write }))).toBe('')
    expect(await wrongWith(make(operator))).toBe('')
    expect(new Set((await statusOfAll(await opened(make(operator)))).values())).toEqual(new Set(['revoked']))
    expect(mount).toBeDefined()
  })

  test('doctor removes its probe record, with the two logins of the policies and with one', async () => {
    const { make, read, write, operator } = await setUp()
    const printed = async (auth: Parameters<typeof make>[0]) =>
      (await checkBackend(make(auth), { correlationId: 'doctor-test' })).filter(({ result }) => result !== 'ok')
    const nothing = async () => (await statusOfAll(await opened(make(operator)))).size
    const unlisted = {
      check: "the tools' login opens a stored credential",
      result: 'skipped',
      detail: 'it may not list them, or the list broke off [forbidden]',
    }
    expect([await printed({ read, write }), await nothing()]).toEqual([[unlisted], 0])
    const noneStored = { ...unlisted, check: 'the login opens a stored credential', detail: 'none is stored' }
    expect([await printed(operator), await nothing()]).toEqual([[noneStored], 0])
    expect(await printed({ write })).toEqual([
      {
        check: "the tools' login has the rights of its policy",
        result: 'skipped',
        detail: 'it is not in this environment',
      },
    ])
    expect(await nothing()).toBe(0)
  })

  test('doctor prints the command that removes what a policy of one provider leaves', async () => {
    const { make, read, write, operator } = await setUp()
    const results = await checkBackend(make({ read, write }), { provider: 'jira', correlationId: 'doctor-test' })
    const { detail } = results.find(({ check }) => check.endsWith('removes it')) ?? { detail: '' }
    const [, issuer = '', subject = ''] =
      /mcp-credential-vault revoke jira --issuer (\S+) --subject (\S+) --purge$/.exec(detail) ?? []
    const operators = await opened(make(operator))
    expect(await remove(operators, storageKey('jira', { issuer, subject }), { purge: true })).toBe(true)
    expect((await statusOfAll(operators)).size).toBe(0)
  })

  test("the form's policy purges below doctor alone", async () => {
    const { make, write } = await setUp()
    const form = await opened(make({ write }))
    await put(form, ALICE, { pat: 'one' })
    expect(await rejectionOf(remove(form, ALICE, { purge: true }))).toMatchObject({ code: 'forbidden' })
    expect((await form.stat(ALICE, call())).status).toBe('active')
  })

  test.each([
    ['form', 'path "secret/data/mcp/*" { capabilities = ["create", "update", "read"] }', 'read on'],
    ['form', 'path "secret/undelete/mcp/*" { capabilities = ["update"] }', 'update on .*/undelete/mcp'],
    ['form', 'path "secret/metadata/mcp/*" { capabilities = ["read", "patch", "list"] }', 'list on'],
    [
      'form',
      'path "secret/metadata/mcp/*" { capabilities = ["read", "patch", "delete"] }',
      'delete on .*/metadata/mcp',
    ],
    ['tool', 'path "secret/data/mcp/*" { capabilities = ["read", "update"] }', 'update on .*/data/mcp'],
    ['tool', 'path "secret/data/mcp/*" { capabilities = ["read", "create"] }', 'create on .*/data/mcp'],
    ['tool', 'path "secret/data/mcp/*" { capabilities = ["read", "delete"] }', 'delete on .*/data/mcp'],
    ['tool', 'path "secret/destroy/mcp/*" { capabilities = ["update"] }', 'update on .*/destroy/mcp'],
    [
      'tool',
      'path "secret/metadata/mcp/*" { capabilities = ["read", "patch", "delete"] }',
      'delete on .*/metadata/mcp',
    ],
  ] as const)('doctor names what is too much: %s with %s', async (tier, policy, named) => {
    const { make, read, write } = await setUp({ [tier]: policy })
    expect(await wrongWith(make({ read, write }))).toMatch(new RegExp(`too much: ${named}`))
  })

  test('doctor names a patch that is not limited to labels', async () => {
    const { make, mount } = await setUp()
    const read = await login(policyFile('tool', mount).replace(/ *allowed_parameters = \{[^}]*\}\n/, ''))
    expect(await wrongWith(make({ read }))).toContain(
      `too much: patch on ${mount}/metadata/mcp/* without allowed_parameters`,
    )
  })

  test('doctor names what is missing, and a store that is not there', async () => {
    const { make, mount } = await setUp()
    const weak = await login(`path "${mount}/data/mcp/*" { capabilities = ["create"] }`)
    expect(await wrongWith(make({ write: weak }))).toContain(`missing: patch on ${mount}/metadata/mcp/*`)
    const reader = ['data', 'metadata', 'subkeys'].map(
      (engine) => `path "${mount}/${engine}/mcp/*" { capabilities = ["read"] }`,
    )
    expect(await wrongWith(make({ read: await login(reader.join('\n')) }))).toContain(
      `missing: patch on ${mount}/metadata/mcp/*`,
    )
    const nowhere = vaultBackend({ address: 'http://127.0.0.1:1', auth: { method: 'token', token: 'x' } })
    expect(await wrongWith(nowhere)).toContain('[unavailable]')
  })

  test('the command prints a table or JSON, and ends with 0 or 1', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
    const { read, write, mount } = await setUp()
    const environment = {
      MCP_VAULT_BACKEND: 'vault',
      MCP_AUDIT_FOLDER: join(folder, 'audit'),
      VAULT_ADDR: bao.address,
      VAULT_KV_MOUNT: mount,
      VAULT_READ_TOKEN: 'token' in read ? read.token : '',
      VAULT_WRITE_TOKEN: 'token' in write ? write.token : '',
    }
    const good = await run(environment, [])
    expect(good.code).toBe(0)
    expect(good.out).toContain("ok       the form's login cannot read")
    expect(good.out).toContain("ok       the tools' login cannot save")
    expect(good.out).toContain('All is well.')
    const json = JSON.parse((await run(environment, ['--json'])).out)
    expect(json.ok).toBe(true)
    expect(good.out).toMatch(/^skipped {2}the server's settings fit together +MCP_SERVER_BASE_URL is not set here$/m)
    expect(json.checks.filter((check: { result: string }) => check.result === 'skipped')).toHaveLength(2)
    const server = { MCP_SERVER_BASE_URL: 'http://localhost:8005', MCP_WEB_KEY: generateKeyText() }
    const warned = await run({ ...environment, ...server }, [])
    expect(warned.code).toBe(0)
    expect(warned.out).toMatch(/^WARNING +one server at this address +\S+ does not show.*MCP_PENDING_STORE\.$/m)
    expect(warned.out).toMatch(/^All is well\. 1 warning\. 1 skipped\.$/m)
    const wide = await run({ ...environment, VAULT_WRITE_TOKEN: ROOT_TOKEN }, [])
    expect(wide.code).toBe(1)
    expect(wide.out).toContain("WRONG    the form's login cannot read")
    expect(wide.out + good.out).not.toContain(environment.VAULT_READ_TOKEN)
    rmSync(folder, { recursive: true })
  })
})

describe('aws-secrets-manager', () => {
  let emulator: AwsEmulator
  let proxy: AwsProxy

  beforeAll(async () => {
    emulator = await startAwsEmulator('ministack')
    proxy = await startAwsProxy(emulator)
  })
  afterAll(async () => {
    await proxy.close()
    await emulator.stop()
  })

  async function setUp(extra: { readonly form?: readonly string[]; readonly tool?: readonly string[] } = {}) {
    const prefix = `mcp-${randomUUID().slice(0, 8)}`
    const user = (name: 'form' | 'tool' | 'server' | 'operator') =>
      newAwsUser(emulator, awsPolicy(name, prefix, name === 'form' || name === 'tool' ? extra[name] : []))
    const make = (credentials: Parameters<typeof awsSecretsManagerBackend>[0] & object) =>
      awsSecretsManagerBackend({
        region: REGION,
        endpoint: proxy.endpoint,
        prefix,
        warn: () => undefined,
        ...credentials,
      })
    const of = (keys: AwsUser) => async () => keys
    const [form, tool, server, operator] = await Promise.all([
      user('form'),
      user('tool'),
      user('server'),
      user('operator'),
    ])
    return { make, prefix, form: of(form), tool: of(tool), server: of(server), operator: of(operator) }
  }

  test('the form’s policy saves and revokes, and the tools’ reads; each is refused the other’s', async () => {
    const { make, form, tool, operator } = await setUp()
    const backend = make({ credentials: { read: tool, write: form } })
    await backend.open()
    await put(backend, ALICE, { pat: 'one' })
    await put(backend, ALICE, { pat: 'two' })
    expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'two' })

    const wrong = make({ credentials: { read: form, write: tool } })
    await wrong.open()
    expect(await rejectionOf(wrong.read(ALICE, call()))).toMatchObject({ code: 'forbidden', reason: 'policy' })
    expect(await rejectionOf(put(wrong, ALICE, { pat: 'x' }))).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf(remove(wrong, ALICE))).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf(statusOfAll(backend))).toMatchObject({ code: 'forbidden' })

    expect(await remove(backend, ALICE)).toBe(true)
    await put(backend, ALICE, { pat: 'three' })
    expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'three' })
    const operators = make({ credentials: operator })
    await operators.open()
    expect((await statusOfAll(operators)).get(ALICE.path)).toBe('active')
  })

  test('the tools’ policy marks a rejected version, and moves no other label', async () => {
    const { make, form, tool } = await setUp()
    const backend = make({ credentials: { read: tool, write: form } })
    await backend.open()
    const first = await put(backend, ALICE, { pat: 'one' })
    const version = await put(backend, ALICE, { pat: 'refused' })
    proxy.operations.length = 0
    expect(await backend.markRejected?.(ALICE, version, new Date(), call())).toBe(true)
    expect(proxy.operations).toEqual(['DescribeSecret', 'UpdateSecretVersionStage', 'DescribeSecret'])
    expect(await backend.read(ALICE, call())).toMatchObject({ labels: { rejectedAt: expect.any(Date) } })
    const direct = new SecretsManager({ endpoint: proxy.endpoint, region: REGION, credentials: tool })
    const SecretId = backend.locate(ALICE).replace(/ .*/, '')
    for (const VersionStage of ['AWSCURRENT', 'AWSPREVIOUS', 'MCPSTAGED'])
      await expect(
        direct.updateSecretVersionStage({
          SecretId,
          VersionStage,
          MoveToVersionId: first.ref,
          RemoveFromVersionId: version.ref,
        }),
      ).rejects.toThrow('refused')
    direct.destroy()
    expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'refused' })
  })

  test('doctor names the label that a login may not move', async () => {
    const { make, prefix } = await setUp()
    const reader = JSON.parse(awsPolicy('tool', prefix)) as { Statement: unknown[] }
    const keys = await newAwsUser(emulator, JSON.stringify({ ...reader, Statement: reader.Statement.slice(0, 1) }))
    expect(await wrongWith(make({ credentials: { read: async () => keys } }))).toContain(
      'missing: secretsmanager:UpdateSecretVersionStage on mcp-rejected-*',
    )
  })

  test('doctor finds nothing wrong with the policies', async () => {
    const { make, form, tool, server, operator } = await setUp()
    expect(await wrongWith(make({ credentials: { read: tool, write: form } }))).toBe('')
    expect(await wrongWith(make({ credentials: server }))).toBe('')
    expect(await wrongWith(make({ credentials: operator }))).toBe('')
    // The server's single login may not list; the message names the policy that may.
    const servers = make({ credentials: server })
    await servers.open()
    const listing = await rejectionOf(statusOfAll(servers))
    expect(listing).toMatchObject({ code: 'forbidden', message: expect.stringContaining('aws-operator.json') })
  })

  test('doctor removes its probe record', async () => {
    const { make, form, tool, operator } = await setUp()
    await wrongWith(make({ credentials: { read: tool, write: form } }))
    await wrongWith(make({ credentials: operator }))
    const operators = make({ credentials: operator })
    await operators.open()
    expect((await statusOfAll(operators)).size).toBe(0)
  })

  test.each([
    ['form', 'ListSecrets'],
    ['tool', 'PutSecretValue'],
    ['tool', 'DeleteSecret'],
    ['tool', 'RestoreSecret'],
    ['tool', 'TagResource'],
    ['tool', 'UpdateSecretVersionStage'],
  ] as const)('doctor names what is too much: %s with %s', async (tier, action) => {
    const { make, form, tool } = await setUp({ [tier]: [action] })
    const wrong = await wrongWith(make({ credentials: { read: tool, write: form } }))
    expect(wrong).toContain(`too much: secretsmanager:${action}`)
  })
})

test('sealed-file: one login does everything, and a wrong key is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  const environment = { MCP_VAULT_FOLDER: join(folder, 'data'), MCP_VAULT_KEY: generateKeyText() }
  const { sealedFile } = await import('../../src/backends/sealed-file/sealed-file.ts')
  const backend = sealedFile({ folder: environment.MCP_VAULT_FOLDER, key: environment.MCP_VAULT_KEY })
  await backend.open()
  await put(backend, ALICE, { pat: 'x' })
  await backend.close()
  const good = await run(environment, [])
  expect(good).toMatchObject({ code: 0 })
  expect(good.out).toContain('ok       the login saves')
  expect(good.out).toContain("skipped  the server's settings")
  expect(good.out).toMatch(/^All is well\. 1 skipped\.$/m)
  const left = sealedFile({ folder: environment.MCP_VAULT_FOLDER, key: environment.MCP_VAULT_KEY })
  await left.open()
  expect([...(await statusOfAll(left)).keys()]).toEqual([ALICE.path])
  await left.close()
  const bad = await run({ ...environment, MCP_VAULT_KEY: generateKeyText() }, [])
  expect(bad.code).toBe(1)
  expect(bad.out).toContain('[key_wrong]')
  expect(bad.out).toMatch(/^skipped {2}the login saves, reads and revokes +it did not open the store$/m)
  rmSync(folder, { recursive: true })
})

async function run(environment: NodeJS.ProcessEnv, words: readonly string[]) {
  const printed = { out: '', error: '' }
  const code = await runCommand(doctor, words, {
    out: (text) => {
      printed.out += text
    },
    error: (text) => {
      printed.error += text
    },
    environment,
    readSecret: async () => '',
  })
  return { code, ...printed }
}
