import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createJsonLines } from '../../src/audit/json-lines.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { call, put, valuesOf } from '../../src/testing/secret-backend/calls.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { ISSUER, type MainCommand, mainCommand } from '../harness/processes/cli-process.ts'
import { endedProcess } from '../harness/processes/ended-process.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'
import { namespace } from '../harness/sealed-file/full-disk.ts'

const ALICE = storageKey('jira', { issuer: ISSUER, subject: 'alice' })

let redis: RedisNode
beforeAll(async () => {
  redis = await startRedisNode()
})
afterAll(() => redis.remove())

let main: MainCommand
beforeEach(async () => {
  main = await mainCommand()
  onTestFinished(() => main.remove())
})

const folder = () => main.environment.MCP_VAULT_FOLDER

/** The command in a process that has nothing but these variables. */
function alone(words: readonly string[], environment: NodeJS.ProcessEnv) {
  const env = { PATH: process.env['PATH'], HOME: main.root, ...environment }
  return endedProcess(process.execPath, [main.script, ...words], { env, cwd: main.root }, '')
}

async function exported(tier: 'writer' | 'reader'): Promise<string> {
  const file = join(main.root, `${tier}.bundle`)
  expect(await main.run(['keys', `export-${tier}`, '--out', file])).toMatchObject({ code: 0 })
  return file
}

async function opened(bundleFile: string) {
  const backend = sealedFile({ folder: folder(), bundleFile })
  await backend.open()
  onTestFinished(() => backend.close())
  return backend
}

const shared = () => ({ MCP_PENDING_STORE: 'redis', MCP_REDIS_URL: `redis://127.0.0.1:${redis.port}` })

const only = (bundle: string) => ({
  ...shared(),
  MCP_VAULT_FOLDER: folder(),
  MCP_VAULT_BUNDLE_FILE: bundle,
  MCP_WEB_KEY: generateKeyText(),
  MCP_AUDIT_KEY: generateKeyText(),
  MCP_AUDIT_FOLDER: `${bundle}-audit`,
})

describe('keys export-writer and export-reader', () => {
  test('write bundles that do their half each, readable for this user alone, each with its audit line', async () => {
    await main.store('alice', { pat: 'one' })
    const [writer, reader] = [await exported('writer'), await exported('reader')]
    for (const file of [writer, reader]) expect(statSync(file).mode & 0o777).toBe(0o600)
    await put(await opened(writer), ALICE, { pat: 'two' })
    expect(await valuesOf(await opened(reader), ALICE)).toEqual({ pat: 'two' })
    await expect((await opened(writer)).read(ALICE, call())).rejects.toMatchObject({ reason: 'other_tier' })
    const audit = join(folder(), 'audit')
    const lines = readdirSync(audit).map((name) => readFileSync(join(audit, name), 'utf8'))
    expect(lines.join('')).toMatch(/"type":"key.writer_exported"/)
    expect(lines.join('')).toMatch(/"type":"key.reader_exported"/)
    for (const file of [writer, reader]) expect(lines.join('')).not.toContain(readFileSync(file, 'utf8').trim())
  })

  test('print the bundle without --out, and leave an existing file as it is', async () => {
    await main.store('alice', { pat: 'one' })
    const printed = JSON.parse((await main.run(['keys', 'export-writer', '--json'])).out)
    expect(printed).toMatchObject({ tier: 'form', bundle: expect.stringMatching(/^mcvw1_/) })
    const file = await exported('reader')
    const before = readFileSync(file, 'utf8')
    const again = await main.run(['keys', 'export-reader', '--out', file])
    expect(again).toMatchObject({ code: 1, error: expect.stringContaining('already exists') })
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  test('need the store key, and a sealed file', async () => {
    await main.store('alice', { pat: 'one' })
    const reader = await exported('reader')
    const fromBundle = await alone(['keys', 'export-reader'], only(reader))
    expect(fromBundle).toMatchObject({
      code: 1,
      error: expect.stringContaining('MCP_VAULT_BUNDLE_FILE holds the keys'),
    })
    const aws = { MCP_VAULT_BACKEND: 'memory', MCP_AUDIT_FOLDER: join(main.root, 'audit') }
    const none = await alone(['keys', 'export-writer'], aws)
    expect(none).toMatchObject({ code: 1, error: expect.stringContaining('Only the sealed file') })
  })
})

describe('doctor --tier', () => {
  test('proves on the sealed file that each tier does its half, and leaves nothing behind', async () => {
    await main.store('alice', { pat: 'one' })
    const form = await alone(['doctor', '--tier', 'form'], only(await exported('writer')))
    expect(form, form.out).toMatchObject({ code: 0 })
    for (const check of ["the form's login saves", "the form's login cannot read", "the form's login removes it"])
      expect(form.out).toContain(`ok       ${check}`)
    expect(form.out).toContain("ok       the tools' login is not in this environment")
    const tool = await alone(['doctor', '--tier', 'tool'], only(await exported('reader')))
    expect(tool, tool.out).toMatchObject({ code: 0 })
    for (const check of ["the tools' login reads", "the tools' login cannot save"])
      expect(tool.out).toContain(`ok       ${check}`)
    const { credentials } = JSON.parse((await main.run(['list', '--json'])).out)
    expect(credentials).toHaveLength(1)
  })

  test('after a change of keys, the form tier is wrong until it has a new bundle, and the tool tier is warned', async () => {
    await main.store('alice', { pat: 'one' })
    const [writer, reader] = [await exported('writer'), await exported('reader')]
    expect(await main.run(['keys', 'rotate'])).toMatchObject({ code: 0 })
    const form = await alone(['doctor', '--tier', 'form'], only(writer))
    expect(form.out).toMatch(/^WRONG {4}the form's login saves .*keys export-writer/m)
    const tool = await alone(['doctor', '--tier', 'tool'], only(reader))
    expect(tool, tool.out).toMatchObject({ code: 0 })
    expect(tool.out).toMatch(/^WARNING {2}the tools' login has the newest key .*keys export-reader/m)
  })

  // Where nothing may be mounted, there is no folder that root cannot write to.
  test.each(namespace ? ['a read-only mount'] : [])('the tool tier reads a store on %s', async () => {
    await main.store('alice', { pat: 'one' })
    const env = { PATH: process.env['PATH'], HOME: main.root, ...only(await exported('reader')) }
    const script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    const command = [process.execPath, main.script, 'doctor', '--tier', 'tool']
    const words = [...(namespace ?? []), 'sh', '-c', script, 'sh', folder(), ...command]
    const answer = await endedProcess('unshare', words, { env, cwd: main.root }, '')
    expect(answer, answer.out).toMatchObject({ code: 0 })
    expect(answer.out).toContain("ok       the tools' login reads")
    expect(answer.error).toContain('read-only')
  })

  test('says WRONG of a pending store in memory, in each tier', async () => {
    await main.store('alice', { pat: 'one' })
    for (const [tier, kind] of [
      ['form', 'writer'],
      ['tool', 'reader'],
    ] as const) {
      const environment = { ...only(await exported(kind)), MCP_PENDING_STORE: 'memory', MCP_REDIS_URL: '' }
      const { code, out } = await alone(['doctor', '--tier', tier], environment)
      expect(code, out).toBe(1)
      expect(out).toMatch(/^WRONG {4}the store that replicas share can be used .*set MCP_PENDING_STORE=redis/m)
    }
    // One process needs none.
    expect((await main.run(['doctor'])).out).not.toContain('the store that replicas share')
  })

  test('refuses an environment with the keys of the other tier, or of both', async () => {
    await main.store('alice', { pat: 'one' })
    const [writer, reader] = [await exported('writer'), await exported('reader')]
    const said = async (tier: string, environment: NodeJS.ProcessEnv) => {
      const { code, error } = await alone(['doctor', '--tier', tier], environment)
      return `${code} ${error}`
    }
    expect(await said('form', only(reader))).toMatch(/^1 .*holds the keys of the tool tier/)
    expect(await said('tool', only(writer))).toMatch(/^1 .*holds the keys of the form tier/)
    expect(await said('form', { ...main.environment })).toMatch(/^1 .*needs a bundle of its own keys/)
    expect(await said('both', only(writer))).toMatch(/^2 .*--tier is form or tool/)
  })

  test('doctor refuses the log of the store, as start does, and writes no line there', async () => {
    await main.store('alice', { pat: 'one' })
    const { MCP_AUDIT_FOLDER: _, MCP_AUDIT_KEY: _key, ...rest } = only(await exported('writer'))
    const before = readdirSync(join(folder(), 'audit'))
    const refused = await alone(['doctor', '--tier', 'form'], rest)
    expect(refused).toMatchObject({ code: 1, error: expect.stringContaining('environment.MCP_AUDIT_FOLDER') })
    // The same with that folder named outright.
    const named = await alone(['doctor', '--tier', 'form'], { ...rest, MCP_AUDIT_FOLDER: join(folder(), 'audit') })
    expect(named).toMatchObject({ code: 1, error: expect.stringContaining('environment.MCP_AUDIT_FOLDER: with this') })
    expect(readdirSync(join(folder(), 'audit'))).toEqual(before)
    expect(await main.run(['audit', 'verify'])).toMatchObject({ code: 0 })
  })

  test.each(['writer', 'reader'] as const)(
    'a start with the %s bundle that is refused ends, though Redis was reached',
    async (tier) => {
      await main.store('alice', { pat: 'one' })
      const { MCP_WEB_KEY: _, ...environment } = only(await exported(tier))
      const module = join(main.root, 'tools.mjs')
      writeFileSync(module, 'export default () => undefined\n')
      const words = ['start', module, '--tier', tier === 'writer' ? 'form' : 'tool']
      const server = { MCP_SERVER_BASE_URL: 'http://localhost:8005', MCP_IDENTITY: 'local-user' }
      const { code, error } = await alone(words, { ...environment, ...server })
      expect(`${code} ${error}`).toMatch(/^1 .*MCP_WEB_KEY_FILE/s)
    },
  )

  test('start refuses a tier that is none', async () => {
    const { code, error } = await main.inProcess(['start', 'tools.mjs', '--tier', 'forms'])
    expect(`${code} ${error}`).toMatch(/^2 .*--tier is one of form, tool, all/)
  })

  describe('on Vault', () => {
    let bao: OpenBao
    beforeAll(async () => {
      bao = await startOpenBao()
    })
    afterAll(() => bao.stop())

    test('compares the rights of the one login with its policy, and finds one that may read', async () => {
      const mount = await bao.newMount()
      const token = async (name: string, more = '') => {
        const path = join(import.meta.dirname, `../../docs/backends/policies/vault-${name}.hcl`)
        const policy = (readFileSync(path, 'utf8') + more).replaceAll('"secret/', `"${mount}/`)
        await bao.api('PUT', `sys/policies/acl/${name}-${more.length}`, { policy })
        const { body } = await bao.api('POST', 'auth/token/create', { policies: [`${name}-${more.length}`] })
        return body.auth.client_token as string
      }
      const log = (tier: string) => ({ MCP_AUDIT_FOLDER: join(main.root, `${tier}-audit`) })
      const vault = {
        ...shared(),
        ...log('form'),
        MCP_VAULT_BACKEND: 'vault',
        VAULT_ADDR: bao.address,
        VAULT_KV_MOUNT: mount,
        MCP_WEB_KEY: generateKeyText(),
      }
      const write = await token('form')
      const form = await alone(['doctor', '--tier', 'form'], { ...vault, VAULT_WRITE_TOKEN: write })
      expect(form, form.out).toMatchObject({ code: 0 })
      expect(form.out).toContain("ok       the form's login has the rights of its policy and no other")
      const started = createJsonLines({ folder: log('form').MCP_AUDIT_FOLDER, warn: () => {} })
      await started.open?.(undefined, undefined, 'form')
      await started.close()
      const asTool = { ...vault, VAULT_READ_TOKEN: await token('tool') }
      const mistyped = await alone(['doctor', '--tier', 'tool'], asTool)
      expect(mistyped.out).toMatch(/^WRONG +the audit log can be written .* is that of the form tier/m)
      const tool = await alone(['doctor', '--tier', 'tool'], { ...asTool, ...log('tool') })
      expect(tool, tool.out).toMatchObject({ code: 0 })
      const wide = await token('form', 'path "secret/data/mcp/*" { capabilities = ["create", "update", "read"] }')
      const wrong = await alone(['doctor', '--tier', 'form'], { ...vault, VAULT_WRITE_TOKEN: wide })
      expect(wrong).toMatchObject({ code: 1, out: expect.stringContaining("WRONG    the form's login cannot read") })
      const one = await token('form', 'path "secret/data/mcp/jira@work/*" { capabilities = ["create", "read"] }')
      const ofOne = { ...vault, VAULT_WRITE_TOKEN: one }
      expect(await alone(['doctor', '--tier', 'form'], ofOne)).toMatchObject({ code: 0 })
      const module = join(main.root, 'tools.mjs')
      const declared = { name: 'jira', accounts: ['work'], variables: { pat: { label: 'Token' } } }
      writeFileSync(
        module,
        `import { CredentialsProvider } from ${JSON.stringify(join(import.meta.dirname, '../../dist/index.js'))}
export default (_, vault) => void new CredentialsProvider({ vault, ...${JSON.stringify(declared)} })`,
      )
      const every = await alone(['doctor', '--tier', 'form', '--tools', module], ofOne)
      expect(every, every.out).toMatchObject({ code: 1 })
      expect(every.out).toMatch(/ok +the form's login cannot read, below jira +refused/)
      expect(every.out).toMatch(/WRONG +the form's login cannot read, below jira@work +it may read/)
      const root = await alone(['doctor', '--tier', 'form'], { ...vault, VAULT_TOKEN: ROOT_TOKEN })
      expect(root).toMatchObject({ code: 1, error: expect.stringContaining('VAULT_WRITE_AUTH_METHOD') })
    })
  })
})
