import { type link, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { awsSecretsManagerBackend } from '../../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { type AdminHarness, startAdminHarness } from '../../harness/admin-api.ts'
import { type EmulatorName, REGION, ROOT_KEYS, startAwsEmulator } from '../../harness/aws/aws-emulator.ts'
import { startAwsProxy } from '../../harness/aws/aws-proxy.ts'
import { ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'
import { openForm } from '../../harness/mcp-harness.ts'
import { runHere } from '../../harness/processes/cli-process.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'

/** Paths on the disk that a new name cannot be written to. */
const disk = vi.hoisted(() => ({ broken: '' }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<{ link: typeof link }>()
  return {
    ...real,
    async link(...[from, to]: Parameters<typeof link>) {
      if (disk.broken !== '' && String(to).startsWith(disk.broken)) throw Object.assign(new Error(), { code: 'EIO' })
      await real.link(from, to)
    },
  }
})

/** A backend that fails for the credentials of gitlab, until `mends`. */
interface Breakable {
  readonly backend: SecretBackend
  /** The same store, for the command line. */
  readonly environment: NodeJS.ProcessEnv
  breaks(harness: AdminHarness): void
  mends(): void
}

const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const end of endings.splice(0).reverse()) await end()
})

async function sealedStore(): Promise<Breakable> {
  const folder = join(await temporaryFolder(), 'store')
  const key = generateKeyText()
  const backend = sealedFile({ folder, key, warn })
  return {
    backend,
    environment: { MCP_VAULT_FOLDER: folder, MCP_VAULT_KEY: key },
    breaks(harness) {
      disk.broken = backend.locate(storageKey('gitlab', harness.owner('alice'))).replace(/\*$/, '')
    },
    mends() {
      disk.broken = ''
    },
  }
}

async function vaultStore(): Promise<Breakable> {
  const bao = await startOpenBao()
  const proxy = await startVaultProxy(bao.address)
  endings.push(bao.stop, proxy.close)
  const mount = await bao.newMount()
  return {
    backend: vaultBackend({ address: proxy.endpoint, mount, auth: { method: 'token', token: ROOT_TOKEN }, warn }),
    environment: {
      MCP_VAULT_BACKEND: 'vault',
      VAULT_ADDR: proxy.endpoint,
      VAULT_TOKEN: ROOT_TOKEN,
      VAULT_KV_MOUNT: mount,
    },
    breaks: () =>
      proxy.fault('failing', ({ url, method }) => url.includes('/gitlab/') && method !== 'GET' && method !== 'LIST'),
    mends: () => proxy.fault('none'),
  }
}

async function awsStore(name: EmulatorName): Promise<Breakable> {
  const emulator = await startAwsEmulator(name)
  const proxy = await startAwsProxy(emulator)
  endings.push(emulator.stop, proxy.close)
  // The SDK of the command line reads these from the process itself.
  const variables = {
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: proxy.endpoint,
    AWS_ACCESS_KEY_ID: ROOT_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: ROOT_KEYS.secretAccessKey,
  }
  for (const [variable, value] of Object.entries(variables)) vi.stubEnv(variable, value)
  return {
    backend: awsSecretsManagerBackend({
      region: REGION,
      endpoint: proxy.endpoint,
      credentials: async () => ROOT_KEYS,
      warn,
    }),
    environment: { MCP_VAULT_BACKEND: 'aws-secrets-manager', ...variables },
    breaks: () => proxy.faultOfSecrets('failing', '/gitlab/'),
    mends: () => proxy.fault('none'),
  }
}

const warn = () => undefined

async function run(words: readonly string[], environment: NodeJS.ProcessEnv) {
  const ended = await runHere(words, environment)
  return { ...ended, json: () => JSON.parse(ended.out) }
}

const STORES: Readonly<Record<string, () => Promise<Breakable>>> = {
  'sealed file': sealedStore,
  OpenBao: vaultStore,
  moto: () => awsStore('moto'),
  ministack: () => awsStore('ministack'),
}

describe.each(Object.keys(STORES))('%s', (name) => {
  async function begin(...providers: string[]) {
    const store = await (STORES[name] ?? sealedStore)()
    const harness = await startAdminHarness({ backend: store.backend })
    endings.push(harness.close)
    for (const provider of providers) await harness.store(provider, 'alice')
    await harness.store('gitlab', 'bob')
    const { issuer, subject } = harness.owner('alice')
    return { harness, store, alice: ['offboard', '--issuer', issuer, '--subject', subject] }
  }

  test('the running server ends sessions and links first, says what is left, and finishes it when asked again', async () => {
    const { harness, store, alice } = await begin('confluence', 'gitlab')
    const { status } = harness
    // Alice waits for a form that she has open.
    const browser = httpBrowser()
    let form: Awaited<ReturnType<typeof openForm>> | undefined
    const client = await harness.connect('alice', {
      async onLink(url): Promise<'accept'> {
        form = await openForm(browser, url, 'alice')
        return 'accept'
      },
    })
    const waiting = client.text()
    await expect.poll(() => form).toBeDefined()
    const before = harness.audit.events.length

    const token = join(await temporaryFolder(), 'token')
    await writeFile(token, harness.operatorToken, { mode: 0o600 })
    const words = [...alice, '--server', harness.baseUrl, '--token-file', token]
    store.breaks(harness)
    const half = await run([...words, '--json'], {})
    expect(half).toMatchObject({ code: 1, error: '' })
    expect(half.json().credentials).toMatchObject([
      { provider: 'confluence', result: 'revoked' },
      { provider: 'gitlab', result: 'failed' },
    ])
    expect(half.json().left).toEqual([{ what: 'credential', provider: 'gitlab', error: expect.any(String) }])
    expect((await waiting).text).toMatch(/cancel/i)
    const late = await browser.press(form as NonNullable<typeof form>, 'Save', { pat: 'pat-of-the-offboarded' })
    expect(late.status).toBe(401)
    const told = await run(words, {})
    expect([told.code, told.out]).toEqual([1, expect.stringMatching(/^gitlab +FAILED +\w+$/m)])
    expect(told.out).toContain('1 credential was not revoked: run the command again.')
    expect(told.out).not.toContain('The server has ended')
    store.mends()
    expect([await status('gitlab', 'alice'), await status('gitlab', 'bob')]).toEqual(['active', 'active'])

    const whole = await run(words, {})
    expect([whole.code, whole.out]).toEqual([0, expect.stringMatching(/^gitlab +revoked$/m)])
    expect([await status('gitlab', 'alice'), await status('gitlab', 'bob')]).toEqual(['revoked', 'active'])
    const lines = harness.audit.events.slice(before).filter(({ actor }) => actor?.kind === 'operator')
    expect(lines[0]?.type).toBe('login.ended')
    const ends = lines.filter(({ type }) => type === 'admin.offboarded')
    expect(ends.map(({ outcome, count }) => [outcome, count])).toEqual([
      ['failure', 1],
      ['failure', 0],
      ['success', 1],
    ])
  })

  test('the command line revokes the others, says which it could not, and finishes it when run again', async () => {
    const { harness, store, alice } = await begin('gitlab', 'jira')
    const environment = { ...store.environment, MCP_AUDIT_FOLDER: join(await temporaryFolder(), 'audit') }
    store.breaks(harness)
    const half = await run([...alice, '--json'], environment)
    store.mends()
    expect(half.code).toBe(1)
    expect(half.json().credentials).toMatchObject([
      { provider: 'gitlab', result: 'failed' },
      { provider: 'jira', result: 'revoked' },
    ])
    const again = await run(alice, environment)
    expect(again.out).toMatch(/^gitlab +revoked$/m)
    expect(again.out).toMatch(/^jira +revoked already$/m)
    expect([await harness.status('gitlab', 'alice'), await harness.status('gitlab', 'bob')]).toEqual([
      'revoked',
      'active',
    ])
  })
})
