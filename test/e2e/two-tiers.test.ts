import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { startServer } from '../../src/server/start-server.ts'
import { call, put, valuesOf } from '../../src/testing/secret-backend/calls.ts'
import { type OpenBao, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { policyToken } from '../harness/hashicorp-vault/policy-token.ts'
import { fillIn, openForm } from '../harness/mcp-harness.ts'
import { bundleFile } from '../harness/sealed-file/bundles.ts'
import { sealedFolder } from '../harness/sealed-file/sealed-folder.ts'
import { sharedPendingStore, tierTools } from '../harness/tier-tools.ts'
import { startTwoTiers } from '../harness/two-tiers.ts'

const TOKEN = 'pat-of-alice-3f81c2'

async function sealedTiers() {
  const store = await sealedFolder()
  const operator = await store.open()
  const folder = { MCP_VAULT_FOLDER: store.folder }
  const environments = {
    form: { ...folder, MCP_VAULT_BUNDLE_FILE: await bundleFile(operator, 'form') },
    tool: { ...folder, MCP_VAULT_BUNDLE_FILE: await bundleFile(operator, 'tool') },
  }
  return { operator, environments, tiers: await startTwoTiers(environments) }
}

describe('two processes, each with its own keys of one sealed file', () => {
  test('a call at the tool tier is asked, the form tier saves, and the call goes on', async () => {
    const { operator, tiers } = await sealedTiers()
    const alice = await tiers.connect('alice', {
      onLink: async (link) => {
        expect((await fillIn(link, 'alice', { pat: TOKEN })).status).toBe(200)
        return 'accept' as const
      },
    })
    expect(await alice.text()).toMatchObject({ text: `a secret of ${TOKEN.length} characters`, isError: false })
    expect(alice.links).toHaveLength(1)
    const key = storageKey('jira', { issuer: tiers.identityProvider.issuer, subject: 'alice' })
    expect(await valuesOf(operator, key)).toEqual({ pat: TOKEN })
    const types = (audit: typeof tiers.formAudit) => audit.events.map(({ type }) => type)
    expect(types(tiers.formAudit)).toContain('credential.stored')
    expect(types(tiers.formAudit)).not.toContain('credential.resolved')
    expect(types(tiers.toolAudit)).toContain('credential.resolved')
    expect(types(tiers.toolAudit)).not.toContain('credential.stored')
  })

  test('after a change of keys, the tool tier stays ready and reads on, and the form tier is not ready', async () => {
    const { operator, tiers } = await sealedTiers()
    const key = storageKey('jira', { issuer: tiers.identityProvider.issuer, subject: 'alice' })
    await put(operator, key, { pat: TOKEN })
    await operator.storeKeys?.rotate(new AbortController().signal)
    const [form, tools] = await Promise.all([tiers.form, tiers.tools].map(({ address }) => fetch(`${address}/readyz`)))
    expect([form?.status, await form?.json()]).toEqual([
      503,
      expect.objectContaining({ problems: { keys: 'key_wrong' } }),
    ])
    expect([tools?.status, await tools?.json()]).toEqual([200, { status: 'ready' }])
    const alice = await tiers.connect('alice')
    expect(await alice.text()).toMatchObject({ text: `a secret of ${TOKEN.length} characters` })
  })

  test('a call for a named account is asked for that one, and saved under its name', async () => {
    const { operator, tiers } = await sealedTiers()
    const owner = { issuer: tiers.identityProvider.issuer, subject: 'alice' }
    const alice = await tiers.connect('alice', {
      onLink: async (link) => {
        expect((await fillIn(link, 'alice', { pat: TOKEN })).status).toBe(200)
        return 'accept' as const
      },
    })
    const answer = `a secret of ${TOKEN.length} characters`
    expect(await alice.text('read_secret_of_work')).toMatchObject({ text: answer, isError: false })
    expect(await valuesOf(operator, storageKey('jira@work', owner))).toEqual({ pat: TOKEN })
    expect(await operator.stat(storageKey('jira', owner), call())).toEqual({ status: 'absent' })
  })

  test('a rejection is marked by the tool tier, and its owner takes it back at the form tier', async () => {
    const { operator, tiers } = await sealedTiers()
    const owner = { issuer: tiers.identityProvider.issuer, subject: 'alice' }
    await put(operator, storageKey('jira', owner), { pat: TOKEN })
    const alice = await tiers.connect('alice', { onLink: () => 'decline' })
    await alice.text('reject_secret')
    expect(await operator.stat(storageKey('jira', owner), call())).toMatchObject({
      labels: { rejectedAt: expect.any(Date) },
    })
    const browser = httpBrowser()
    const page = await openForm(browser, `${tiers.baseUrl}/credentials`, 'alice')
    expect(textOf(page.html)).toContain('Use it again')
    await browser.press(page, 'Use it again')
    expect(await alice.text()).toMatchObject({ text: `a secret of ${TOKEN.length} characters` })
  })

  test('the page of the form tier has no Test and shows no last use', async () => {
    const { operator, tiers } = await sealedTiers()
    await put(operator, storageKey('jira', { issuer: tiers.identityProvider.issuer, subject: 'alice' }), { pat: TOKEN })
    const alice = await tiers.connect('alice')
    await alice.text()
    const page = await openForm(httpBrowser(), `${tiers.baseUrl}/credentials`, 'alice')
    expect(textOf(page.html)).toContain('Replace')
    expect(textOf(page.html)).not.toMatch(/\bTest\b|Last used/i)
  })

  test('the form tier serves no tool, and the tool tier no page', async () => {
    const { tiers } = await sealedTiers()
    const status = async (address: string, path: string, method = 'GET') =>
      (await fetch(`${address}${path}`, { method, redirect: 'manual' })).status
    expect(await status(tiers.form.address, '/mcp', 'POST')).toBe(404)
    expect(await status(tiers.form.address, '/.well-known/oauth-protected-resource/mcp')).toBe(404)
    for (const path of ['/credentials', '/credentials/jira/entry?t=x', '/credentials/callback'])
      expect(await status(tiers.tools.address, path)).toBe(404)
    for (const { address } of [tiers.form, tiers.tools]) expect(await status(address, '/health')).toBe(200)
  })
})

describe('two processes, each with its own login to Vault', () => {
  let bao: OpenBao
  beforeAll(async () => {
    bao = await startOpenBao()
  })
  afterAll(() => bao.stop())

  test.each([
    ['without an envelope', undefined],
    ['with the key of a sealed envelope in both', generateKeyText()],
  ])('a call is asked, the form tier saves, and the call goes on: %s', async (_name, envelopeKey) => {
    const mount = await bao.newMount()
    const both = {
      MCP_VAULT_BACKEND: 'vault',
      VAULT_ADDR: bao.address,
      VAULT_KV_MOUNT: mount,
      ...(envelopeKey !== undefined && { MCP_SEALED_ENVELOPE_KEY: envelopeKey }),
    }
    const tiers = await startTwoTiers({
      form: { ...both, VAULT_WRITE_TOKEN: await policyToken(bao, 'form', mount) },
      tool: { ...both, VAULT_READ_TOKEN: await policyToken(bao, 'tool', mount) },
    })
    const alice = await tiers.connect('alice', {
      onLink: async (link) => {
        expect((await fillIn(link, 'alice', { pat: TOKEN })).status).toBe(200)
        return 'accept' as const
      },
    })
    expect(await alice.text()).toMatchObject({ text: `a secret of ${TOKEN.length} characters`, isError: false })
    const key = storageKey('jira', { issuer: tiers.identityProvider.issuer, subject: 'alice' })
    const { body } = await bao.api('GET', `${mount}/data/mcp/${key.path}`)
    const sealed = { 'mcp-sealed': expect.stringMatching(/^mcv-sealed/) }
    expect(body.data.data).toEqual(envelopeKey === undefined ? { pat: TOKEN } : sealed)
  })

  test('a tier without the key of the envelope that the other has refuses what it finds', async () => {
    const mount = await bao.newMount()
    const both = { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: bao.address, VAULT_KV_MOUNT: mount }
    const write = { VAULT_WRITE_TOKEN: await policyToken(bao, 'form', mount) }
    const tiers = await startTwoTiers({
      form: { ...both, ...write, MCP_SEALED_ENVELOPE_KEY: generateKeyText() },
      tool: { ...both, VAULT_READ_TOKEN: await policyToken(bao, 'tool', mount) },
    })
    const alice = await tiers.connect('alice', {
      onLink: async (link) => {
        expect((await fillIn(link, 'alice', { pat: TOKEN })).status).toBe(200)
        return 'accept' as const
      },
    })
    const { text, isError } = await alice.text()
    expect(isError).toBe(true)
    expect(text).not.toContain('mcv-sealed')
    expect(tiers.toolAudit.events).toContainEqual(expect.objectContaining({ reason: 'envelope_missing' }))
  })
})

describe('an operator who mistypes', () => {
  async function starting(tier: 'all' | 'form' | 'tool', environment: Readonly<Record<string, string>>, given = {}) {
    const folder = { MCP_AUDIT_FOLDER: join(tmpdir(), 'log-of-a-tier-that-does-not-start') }
    const noKey = { MCP_VAULT_KEY: '', MCP_VAULT_KEY_FILE: '' }
    const both = { MCP_SERVER_BASE_URL: 'http://localhost:8005', ...noKey, ...folder }
    for (const [name, value] of Object.entries({ ...both, ...environment })) vi.stubEnv(name, value)
    try {
      const start = {
        tools: { sdk: 'v1', define: tierTools } as const,
        port: 0,
        host: '127.0.0.1',
        mode: 'stateless' as const,
        tier,
      }
      const server = await startServer({ ...start, given: { pendingStore: sharedPendingStore(), ...given } })
      await server.close()
      return undefined
    } catch (error) {
      return error
    } finally {
      vi.unstubAllEnvs()
    }
  }

  async function made() {
    const store = await sealedFolder()
    const operator = await store.open()
    const [form, tool] = [await bundleFile(operator, 'form'), await bundleFile(operator, 'tool')]
    return { store, folder: { MCP_VAULT_FOLDER: store.folder }, form, tool }
  }

  test('is told of the store key in place of a bundle, and beside one', async () => {
    const { store, folder, form } = await made()
    expect(await starting('form', { ...folder, MCP_VAULT_KEY: store.key })).toMatchObject({
      reason: 'tier_keys',
      message: expect.stringMatching(/^environment\.MCP_VAULT_BUNDLE_FILE: .*keys export-writer/),
    })
    const beside = { ...folder, MCP_VAULT_BUNDLE_FILE: form, MCP_VAULT_KEY: store.key }
    expect(await starting('form', beside)).toMatchObject({ reason: 'two_keys' })
  })

  test("is told of the other tier's bundle", async () => {
    const { folder, form, tool } = await made()
    expect(await starting('form', { ...folder, MCP_VAULT_BUNDLE_FILE: tool })).toMatchObject({ reason: 'tier_keys' })
    expect(await starting('tool', { ...folder, MCP_VAULT_BUNDLE_FILE: form })).toMatchObject({ reason: 'tier_keys' })
    expect(await starting('all', { ...folder, MCP_VAULT_BUNDLE_FILE: form })).toMatchObject({ reason: 'bundle_tier' })
  })

  test('is told that a web key, a shared pending store and a backend of both tiers are needed', async () => {
    const { folder, form } = await made()
    const environment = { ...folder, MCP_VAULT_BUNDLE_FILE: form }
    expect(await starting('form', environment)).toMatchObject({ reason: 'web_key_missing' })
    expect(await starting('form', environment, { pendingStore: undefined })).toMatchObject({
      message: expect.stringContaining('environment.MCP_PENDING_STORE'),
    })
    expect(await starting('tool', { MCP_VAULT_BACKEND: 'memory' })).toMatchObject({
      message: expect.stringContaining('environment.MCP_VAULT_BACKEND'),
    })
  })

  test('is told that the tiers of a sealed file would share the default folder of the audit log', async () => {
    const { folder, form, tool } = await made()
    for (const [tier, bundle] of [
      ['form', form],
      ['tool', tool],
    ] as const)
      expect(await starting(tier, { ...folder, MCP_VAULT_BUNDLE_FILE: bundle, MCP_AUDIT_FOLDER: '' })).toMatchObject({
        code: 'configuration_invalid',
        message: expect.stringMatching(/^environment\.MCP_AUDIT_FOLDER: /),
      })
  })

  test('is told that the admin API needs both tiers', async () => {
    const { folder, form } = await made()
    const environment = { ...folder, MCP_VAULT_BUNDLE_FILE: form, MCP_ADMIN_SCOPE: 'admin' }
    expect(await starting('form', environment)).toMatchObject({
      message: expect.stringContaining('environment.MCP_ADMIN_SCOPE'),
    })
  })

  test("is told of Vault's other login, and of one for both", async () => {
    const vault = { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: 'http://127.0.0.1:1' }
    const [read, write] = [{ VAULT_READ_TOKEN: 'r' }, { VAULT_WRITE_TOKEN: 'w' }]
    for (const logins of [read, { ...read, ...write }, { VAULT_TOKEN: 'both' }])
      expect(await starting('form', { ...vault, ...logins })).toMatchObject({
        reason: 'tier_keys',
        message: expect.stringContaining('environment.VAULT_WRITE_AUTH_METHOD'),
      })
    for (const logins of [write, { ...read, ...write }, { VAULT_TOKEN: 'both' }])
      expect(await starting('tool', { ...vault, ...logins })).toMatchObject({
        reason: 'tier_keys',
        message: expect.stringContaining('environment.VAULT_READ_AUTH_METHOD'),
      })
    expect(await starting('form', { ...vault, ...write })).toMatchObject({ code: 'unavailable' })
  })
})
