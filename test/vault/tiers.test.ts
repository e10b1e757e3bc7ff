import { createServer } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { createSealer, type Sealer } from '../../src/core/crypto/seal.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { defineVariables } from '../../src/core/model/variables.ts'
import type { CredentialLookup, SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { localUser } from '../../src/identity/local-user.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { openFormTierVault, openToolTierVault } from '../../src/vault/tier-vaults.ts'
import { type FormTier, openFormTier } from '../../src/vault/tiers/form-tier.ts'
import { openToolTier, type ToolTier } from '../../src/vault/tiers/tool-tier.ts'
import { PAGE_PURPOSES } from '../../src/web/http/web-parts.ts'
import { freePort } from '../harness/free-port.ts'

const TOKEN = 'pat-of-alice-91c2'
const owner = { issuer: 'local-user', subject: 'alice' }
const key = storageKey('jira', owner)
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })

/** The backend as a tier gets it, with what it may not do replaced by a failure. */
function without(backend: SecretBackend, ...forbidden: readonly (keyof SecretBackend)[]): SecretBackend {
  const refused = Object.fromEntries(
    forbidden.map((name) => [
      name,
      () => {
        throw new Error(`${name} was called`)
      },
    ]),
  )
  return { ...backend, ...refused }
}

interface Tiers {
  readonly form: FormTier
  readonly tools: ToolTier
}

/** The backend as the writing login of a vendor sees it. */
function writeOnly(backend: SecretBackend): SecretBackend {
  return {
    ...without(backend, 'list', 'fieldNames', 'history'),
    async read() {
      throw new CredentialVaultError('forbidden', 'test')
    },
  }
}

/** A form tier and a tool tier over one backend and one pending store, which each of them shares with the other. */
async function openTiers(): Promise<Tiers> {
  const port = await freePort()
  const backend = memoryBackend()
  const shared = {
    serverBaseUrl: `http://localhost:${port}`,
    identity: localUser({ name: 'alice' }),
    pendingStore: memoryPendingStore(),
    webKey: generateKeyText(),
    audit: memoryAudit(),
    warn: () => undefined,
  }
  const form = await openFormTier({ ...shared, backend: writeOnly(backend) })
  const tools = await openToolTier({ ...shared, backend: without(backend, 'write', 'revoke', 'list') })
  form.serve({ name: 'jira', label: 'Jira', variables, doc: undefined, destinations: [], verify: undefined })
  const server = createServer(form.nodeHandler())
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.close()
    await Promise.all([form.close(), tools.close()])
  })
  return { form, tools }
}

test('what the form tier writes the tool tier reads, each without what it may not do', async () => {
  const { form, tools } = await openTiers()
  const { pendingRequests, reader } = tools.services
  expect(await reader.status(key, { correlationId: 'before' })).toEqual({ status: 'absent' })
  const request = await pendingRequests.openOrReuse({ provider: 'jira', user: owner, cause: 'absent' }, { waits: true })
  const waiting = pendingRequests.wait(request, async () => false, new AbortController().signal)
  const browser = httpBrowser()
  const entry = await browser.open(`${tools.serverBaseUrl.origin}/credentials/jira/entry?t=${request.handle}`)
  const page = await browser.press(entry, 'Continue')
  const saved = await browser.press(page, 'Save', { pat: TOKEN })
  expect([saved.status, await waiting]).toEqual([200, 'saved'])
  reader.forget(key)
  expect((await reader.release(key, variables, { correlationId: 'call' })).values).toEqual({ pat: TOKEN })
  expect(await form.revoke(key, { purge: false }, { correlationId: 'revoke' })).toBe(true)
  reader.forget(key)
  expect(await reader.status(key, { correlationId: 'after' })).toMatchObject({ status: 'revoked' })
})

test('a tier cannot name what it may not do', () => {
  // Never called: the compiler is asked whether it would be possible.
  const impossible = ({ form, tools }: Tiers) => {
    // @ts-expect-error a form tier has no services that release
    void form.services
    // @ts-expect-error nor a reader
    void form.reader
    // @ts-expect-error nor does it release by itself
    void form.release
    // @ts-expect-error a tool tier's reader does not save
    void tools.services.reader.save
    // @ts-expect-error it has no writer
    void tools.services.writer
    // @ts-expect-error it serves no form
    void tools.serve
    // @ts-expect-error nor does it revoke
    void tools.services.revoke
    // @ts-expect-error a form tier takes no option of a tool tier
    void openFormTier({ serverBaseUrl: 'http://localhost', backend: memoryBackend(), cacheSeconds: 30 })
    // @ts-expect-error a tool tier takes no option of a form tier
    void openToolTier({ serverBaseUrl: 'http://localhost', backend: memoryBackend(), sessionIdleSeconds: 900 })
    const { write: _write, revoke: _revoke, ...reads } = memoryBackend()
    void openToolTier({ serverBaseUrl: 'http://localhost', backend: reads })
    // @ts-expect-error what only reads is no backend of a form tier
    void openFormTier({ serverBaseUrl: 'http://localhost', backend: reads })
    const { read: _read, list: _list, ...writes } = memoryBackend()
    // @ts-expect-error what cannot be asked to read proves nothing of the login
    void openFormTier({ serverBaseUrl: 'http://localhost', backend: writes })
    // @ts-expect-error what only writes is no backend of a tool tier
    void openToolTier({ serverBaseUrl: 'http://localhost', backend: writes })
  }
  expect(impossible).toBeTypeOf('function')
})

describe('the form tier as a vault for a module of tools', () => {
  const options = (read: () => Promise<CredentialLookup>) => ({
    serverBaseUrl: 'http://localhost',
    identity: localUser({ name: 'alice' }),
    backend: { ...memoryBackend(), read },
    audit: memoryAudit(),
    warn: () => undefined,
  })
  const failing = (code: 'forbidden' | 'unavailable') => async () => {
    throw new CredentialVaultError(code, 'test')
  }

  test('does not open if its login may read, even where nothing is stored, nor if that cannot be asked', async () => {
    const reading = openFormTierVault(options(async () => ({ status: 'absent' })))
    await expect(reading).rejects.toMatchObject({ code: 'configuration_invalid', reason: 'tier_keys' })
    await expect(openFormTierVault(options(failing('unavailable')))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('gives providers their pages, and refuses what only the tool tier does', async () => {
    const vault = await openFormTierVault(options(failing('forbidden')))
    onTestFinished(() => vault.close())
    const jira = new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token' } } })
    await jira.ready()
    const refused = { code: 'forbidden', reason: 'other_tier' }
    await expect(jira.invalidateCredentials(owner)).rejects.toMatchObject(refused)
    await expect(vault.offboard(owner)).rejects.toMatchObject(refused)
    expect(() => vault.bearerGate()).toThrow('This process is the form tier')
  })
})

test('the tool tier as a vault refuses to revoke, to end sessions and to offboard', async () => {
  const vault = await openToolTierVault({
    serverBaseUrl: 'http://localhost',
    identity: localUser({ name: 'alice' }),
    backend: memoryBackend(),
    audit: memoryAudit(),
    warn: () => undefined,
  })
  onTestFinished(() => vault.close())
  const jira = new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token' } } })
  const refused = { code: 'forbidden', reason: 'other_tier' }
  await expect(jira.invalidateCredentials(owner)).rejects.toMatchObject(refused)
  await expect(vault.offboard(owner)).rejects.toMatchObject(refused)
  await expect(vault.endSessions(owner)).rejects.toMatchObject(refused)
  const other = { vault, name: 'jira', variables: { key: { label: 'Key' } } }
  expect(() => new CredentialsProvider(other)).toThrow('already has a provider named jira')
  expect(vault.openPaths.filter((path) => path.includes('/credentials'))).toEqual([])
})

const TIERS = { openFormTier, openToolTier } as const
const TOOL_OPTIONS = {
  cacheSeconds: 5,
  linkTtlSeconds: 600,
  allowedOrigins: [],
  verifyToken: async () => ({ ...owner, scopes: [] }),
  ownerFrom: () => undefined,
  assertion: async () => 'jwt',
}
const FORM_OPTIONS = { browserSessions: {}, sessionIdleSeconds: 900, sessionMaxSeconds: 3600, rateLimits: {} }

function openUnchecked(tier: keyof typeof TIERS, options: object): Promise<unknown> {
  const open: (given: never) => Promise<unknown> = TIERS[tier]
  const given = { serverBaseUrl: 'http://localhost', backend: memoryBackend(), audit: memoryAudit(), ...options }
  return open(given as never)
}

test.each([
  ...Object.entries(TOOL_OPTIONS).map(([option, value]) => ['openFormTier', option, value] as const),
  ...Object.entries(FORM_OPTIONS).map(([option, value]) => ['openToolTier', option, value] as const),
  ['openFormTier', 'surprise', 1] as const,
  ['openToolTier', 'surprise', 1] as const,
])('%s refuses the option %s, which is not its own', async (tier, option, value) => {
  await expect(openUnchecked(tier, { [option]: value })).rejects.toMatchObject({
    code: 'configuration_invalid',
    message: `${tier}.${option}: there is no such option. Correct its name, or remove it.`,
  })
})

test.each(['openFormTier', 'openToolTier'] as const)('errors of %s name it, and not openVault', async (tier) => {
  const shared = { ...memoryPendingStore(), shared: true }
  const wrong = [
    [{ serverBaseUrl: 'http://mcp.example.com' }, 'serverBaseUrl'],
    [{ serverBaseUrl: 'https://mcp.example.com' }, 'identity'],
    [{ serverBaseUrl: 'https://mcp.example.com', identity: [] }, 'identity'],
    [{ identity: [localUser()] }, 'identity[0]'],
    [{ pendingStore: shared }, 'webKey'],
    [{ backend: undefined }, 'backend'],
    [{ serverName: '' }, 'serverName'],
  ] as const
  for (const [options, path] of wrong) {
    await expect(openUnchecked(tier, options)).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringContaining(`${tier}.${path}: `),
    })
  }
})

test('a tool tier has no key for cookies, and a form tier none for references', async () => {
  const { tools } = await openTiers()
  const { sealer } = tools.services
  const later = Date.now() + 60_000
  expect(sealer.open('reference', sealer.seal('reference', { a: 1 }, later))).toEqual({ a: 1 })
  for (const purpose of ['session-cookie', 'login-cookie', 'pending-request'] as const) {
    // @ts-expect-error a tool tier's sealer does not seal cookies or requests
    expect(() => sealer.seal(purpose, {}, later)).toThrow(TypeError)
  }
  const webKey = new Uint8Array(32).fill(7)
  const text = createSealer(webKey).seal('reference', {}, later)
  const pages = createSealer(webKey, PAGE_PURPOSES)
  // @ts-expect-error the pages' sealer does not open references
  expect(() => pages.open('reference', text)).toThrow(TypeError)
  // @ts-expect-error nor does it make links
  expect(() => pages.mac('link', 'id')).toThrow(TypeError)
  // @ts-expect-error a sealer of fewer purposes does not stand in for one of all
  const all: Sealer = pages
  expect(all).toBe(pages)
})

test('a tool tier opens and leaves requests, and can neither claim one nor close it as saved', async () => {
  const { tools } = await openTiers()
  expect(Object.keys(tools.services.pendingRequests).sort()).toEqual([
    'label',
    'leave',
    'openOrReuse',
    'outliveProcess',
    'resume',
    'wait',
    'withdraw',
  ])
})
