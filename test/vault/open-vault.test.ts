import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Koa from 'koa'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { gitlab } from '../../src/presets/index.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import type { OpenVaultOptions } from '../../src/vault/parts/open-vault-options.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { rejectionOf, thrownError } from '../harness/thrown-error.ts'

const variables = { pat: { label: 'Token', type: 'password' } } as const
const warn = () => undefined

function options(change: Partial<OpenVaultOptions> = {}): OpenVaultOptions {
  return { serverBaseUrl: 'http://localhost:8005', backend: memoryBackend(), audit: memoryAudit(), warn, ...change }
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-vault-'))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

describe('opening refuses', () => {
  test('a public URL without an identity, and lists the modes', async () => {
    const error = await rejectionOf(openVault(options({ serverBaseUrl: 'https://mcp.example.com' })))
    expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'identity_missing' })
    expect(error.message).toMatch(/oidc\(.*localUser\(/)
  })

  test.each([
    ['http://mcp.example.com', 'must be https'],
    ['https://me:pw@mcp.example.com', 'no user info'],
    ['https://mcp.example.com/?a=1', 'no user info, query'],
    ['mcp.example.com', 'absolute URL'],
    ['ftp://mcp.example.com', 'must begin with https://'],
  ])('the base URL %s', async (serverBaseUrl, words) => {
    const error = await rejectionOf(openVault(options({ serverBaseUrl })))
    expect(error).toMatchObject({ code: 'configuration_invalid', message: expect.stringContaining(words) })
    expect(error.message).not.toContain('pw')
  })

  test.each([{}, 'oidc', { issuer: 'https://login.example.com' }])(
    'an identity that is none (%j)',
    async (identity) => {
      const error = await rejectionOf(openVault({ ...options(), identity } as unknown as OpenVaultOptions))
      expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'option' })
      expect(error.message).toBe(
        'openVault.identity: must be oidc({ … }), an array of them, or localUser({ … }). Correct it.',
      )
    },
  )

  test('an option that does not exist, by its path', async () => {
    const error = await rejectionOf(openVault({ ...options(), linkTtl: 5 } as OpenVaultOptions))
    expect(error.message).toBe('openVault.linkTtl: there is no such option. Correct its name, or remove it.')
  })

  test('a process whose TLS checks are switched off', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    expect(await rejectionOf(openVault(options()))).toMatchObject({ reason: 'tls_unverified' })
  })

  test('one key for the store and for the web', async () => {
    const key = generateKeyText()
    const backend = sealedFile({ folder: join(folder, 'data'), key, warn })
    expect(await rejectionOf(openVault(options({ backend, webKey: key })))).toMatchObject({ reason: 'same_key' })
  })

  test('a shared pending store without a key that every replica has', async () => {
    const pendingStore = { ...memoryPendingStore(), shared: true }
    expect(await rejectionOf(openVault(options({ pendingStore })))).toMatchObject({ reason: 'web_key_missing' })
  })

  test("a backend that fails, without a word of the vendor's error", async () => {
    const open = async () => {
      throw new Error('connect failed for postgres://svc:hunter2@db')
    }
    const error = await rejectionOf(openVault(options({ backend: { ...memoryBackend(), open } })))
    expect(error.code).toBe('unavailable')
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('hunter2')
  })
})

describe('closing', () => {
  test('closes every part, whatever one of them does', async () => {
    const closed: string[] = []
    const noted = (name: string) => async () => void closed.push(name)
    const vault = await openVault(
      options({
        backend: { ...memoryBackend(), close: noted('backend') },
        audit: { ...memoryAudit(), close: noted('audit') },
        pendingStore: { ...memoryPendingStore(), shutdown: noted('pending store') },
      }),
    )
    vault.onClose(async () => {
      throw new Error('stuck')
    })
    await expect(vault.close()).rejects.toThrow('stuck')
    expect(closed).toEqual(['pending store', 'backend', 'audit'])
  })
})

describe('providers', () => {
  test('of one name have to be the same provider', async () => {
    const vault = await openVault(options())
    const jira = { vault, name: 'jira', variables }
    new CredentialsProvider(jira)
    new CredentialsProvider(jira)
    expect(thrownError(() => new CredentialsProvider({ ...jira, label: 'Other' }))).toMatchObject({
      reason: 'provider_name_taken',
    })
    await vault.close()
  })

  test('of one label are named in one warning, since users cannot tell them apart', async () => {
    const warnings: string[] = []
    const vault = await openVault(options({ warn: (message) => warnings.push(message) }))
    const one = { vault, ...gitlab({ baseUrl: 'https://gitlab.example.com' }), name: 'gitlab-products' }
    const other = { vault, ...gitlab({ baseUrl: 'https://gitlab.example.org' }), name: 'gitlab-research' }
    // As a server made for each connection does.
    for (const definition of [one, other, one, other]) new CredentialsProvider(definition)
    new CredentialsProvider({ ...other, name: 'gitlab-labelled', label: 'GitLab (labelled)' })
    expect(warnings.filter((message) => message.includes('same label'))).toEqual([
      expect.stringMatching(
        /^The providers gitlab-products and gitlab-research have the same label, GitLab, .* Give each its own label\.$/,
      ),
    ])
    await vault.close()
  })

  test('take parts of a vault only without one', async () => {
    const vault = await openVault(options())
    const error = thrownError(
      () => new CredentialsProvider({ vault, name: 'jira', variables, backend: memoryBackend() }),
    )
    expect(error.message).toBe('CredentialsProvider.backend: belongs to the vault. Give it to openVault instead.')
    await vault.close()
  })

  test.each([
    [{ name: 'Jira' }, 'CredentialsProvider.name'],
    [{ vault: { attach: 1 } }, 'CredentialsProvider.vault'],
    [{ tokenTimeoutSeconds: 0 }, 'CredentialsProvider.tokenTimeoutSeconds'],
    [{ variables: {} }, 'CredentialsProvider.variables'],
    [
      { destinations: [{ origin: 'x', header: { scheme: 'Bearer', field: 'pat' } }] },
      'CredentialsProvider.destinations[0].origin',
    ],
    [{ tokenTimeout: 1 }, 'CredentialsProvider.tokenTimeout: there is no such option'],
  ])('with %j are refused by the option', (change, path) => {
    const error = thrownError(() => new CredentialsProvider({ name: 'jira', variables, ...change } as never))
    expect(error).toMatchObject({ code: 'configuration_invalid', message: expect.stringContaining(path) })
  })

  test('without a vault share one from the environment, registered before it is open', async () => {
    vi.stubEnv('MCP_SERVER_BASE_URL', 'http://localhost:8005')
    vi.stubEnv('MCP_VAULT_BACKEND', 'memory')
    vi.stubEnv('MCP_AUDIT_FOLDER', join(folder, 'audit'))
    const app = new Koa()
    const [one, two] = ['one', 'two'].map((name) => new CredentialsProvider({ name, variables }))
    one?.register(app)
    two?.register(app)
    app.use((ctx) => {
      ctx.body = 'the rest of the app'
    })
    const server = createServer(app.callback())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
    expect(thrownError(() => one?.vault)).toMatchObject({ reason: 'not_ready' })
    expect(await (await get('/unrelated')).text()).toBe('the rest of the app')
    expect(thrownError(() => one?.vault)).toMatchObject({ reason: 'not_ready' })
    // 421: it is our page, asked for at another host than the configured one.
    expect((await get('/credentials/two/entry')).status).toBe(421)
    expect(two?.vault).toBe(one?.vault)
    server.closeAllConnections()
    server.close()
    await one?.vault.close()
  })
})

test('nodeHandler serves the pages under plain node:http and leaves every other path to the next handler', async () => {
  const vault = await openVault(options())
  new CredentialsProvider({ vault, name: 'jira', variables })
  const handler = vault.nodeHandler()
  const server = createServer((request, response) =>
    handler(request, response, () => {
      response.end(`next: ${response.statusCode}`)
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}/other`)
  expect(await answer.text()).toBe('next: 200')
  expect((await fetch(`http://127.0.0.1:${port}/credentials/jira/entry`)).status).toBe(421)
  server.closeAllConnections()
  server.close()
  await vault.close()
})
