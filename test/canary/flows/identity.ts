import { memoryBackend } from '../../../src/backends/memory.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { createStores } from '../../../src/vault/environment/create-stores.ts'
import { vaultOptionsFromEnvironment } from '../../../src/vault/environment/vault-options-from-environment.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { visitorOf } from '../../harness/browser/visitor.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { World } from '../world.ts'

const JSON_BODY = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }

/** What an operator may mistake for the right place. Each has to be refused without being quoted. */
function refuses(name: string, attempts: (world: World) => readonly (() => unknown)[]): Flow {
  return flow(name, async (world) => {
    for (const attempt of attempts(world)) {
      const error = await world.thrown(attempt)
      expectThat(error instanceof CredentialVaultError, 'an error of ours')
    }
  })
}

/** Posts to the MCP endpoint by hand. */
async function mcp(
  world: World,
  status: number,
  token: string,
  body: string,
  headers: object = JSON_BODY,
): Promise<void> {
  const authorization = `Bearer ${token}`
  const request = { method: 'POST', path: '/mcp', body, headers: { authorization, ...headers }, deliberate: true }
  expectStatus(await world.send(request), status)
}

export const identity: readonly Flow[] = [
  flow('login with a changed state, code or error', async (world) => {
    const link = await world.link()
    const { long, html } = world.secrets.values
    for (const change of [{ state: long }, { code: long }, { error: html, error_description: long }, { iss: long }]) {
      const visitor = visitorOf({
        send: (request) => world.send({ ...request, deliberate: true }),
        provider: world.identityProvider,
      })
      const callback = new URL(await visitor.signInUpToCallback('alice', link), world.baseUrl)
      for (const [name, value] of Object.entries(change)) callback.searchParams.set(name, String(value))
      expectThat((await visitor.get(callback.pathname + callback.search)).status >= 400, 'a refusal')
    }
  }),
  flow('login while the identity provider is away', async (world) => {
    const link = await world.link()
    for (const how of ['status', 'drop'] as const) {
      const visitor = visitorOf({ send: world.send, provider: world.identityProvider })
      const callback = await visitor.signInUpToCallback('alice', link)
      world.identityProvider.stopAnswering({ path: '/token', how })
      expectStatus(await visitor.get(callback), 503)
      await world.send({ path: '/health' })
      world.identityProvider.startAnswering()
    }
  }),
  flow('login form with secrets in it', async (world) => {
    const { post } = visitorOf({ send: (request) => world.send({ ...request, deliberate: true }), provider: undefined })
    expectStatus(await post('/credentials/login', world.secrets.values), 400)
    expectStatus(
      await post('/credentials/login', { provider: world.secrets.of('html'), t: world.secrets.of('long') }),
      400,
    )
    expectThat((await post('/credentials/sign-out', world.secrets.values)).status < 500, 'an answer')
  }),
  flow('secret as access token', async (world) => {
    for (const { value } of world.secrets.canaries) {
      const token = Buffer.from(value).toString('base64url')
      await mcp(world, 401, token, '{}')
    }
    await mcp(world, 401, world.secrets.of('long'), '{}')
    await mcp(world, 400, `${world.secrets.of('long')} x`, '{}')
  }),
  flow('secret in what is no MCP message', async (world) => {
    const token = await world.identityProvider.issueAccessToken('alice')
    const all = JSON.stringify(world.secrets.values)
    await mcp(world, 400, token, `{${all}`)
    await mcp(world, 415, token, all, { 'content-type': 'text/plain' })
    await mcp(world, 413, token, JSON.stringify({ all, filler: 'x'.repeat(4_300_000) }))
    await mcp(world, 400, token, all)
    await mcp(world, 404, token, '{}', { ...JSON_BODY, 'mcp-session-id': world.secrets.of('long') })
  }),
  flow('sessions ended by an operator', async (world) => {
    const link = await world.link()
    const visitor = visitorOf({ send: world.send, provider: world.identityProvider })
    await visitor.signIn('bob', link)
    await world.vault.endSessions({ ...world.owner, subject: 'bob' })
    expectStatus(await visitor.post(link.submit, { ...world.secrets.values, 'csrf-token': 'x' }), 401)
    await world.bob.signIn('bob', link)
  }),
  refuses('secret where an option belongs', ({ baseUrl, secrets, root }) => {
    const long = secrets.of('long')
    const backend = memoryBackend()
    return [
      () => openVault({ serverBaseUrl: `http://u:${long}@localhost:1/`, backend }),
      () => openVault({ serverBaseUrl: `${baseUrl}/?${long}`, backend }),
      () => openVault({ serverBaseUrl: secrets.of('html'), backend }),
      () => openVault({ serverBaseUrl: baseUrl, backend, webKey: long }),
      () => openVault({ serverBaseUrl: baseUrl, backend, allowedOrigins: [long] }),
      () => openVault({ serverBaseUrl: baseUrl, backend, identity: long as never }),
      () => sealedFile({ folder: `${root}/other`, key: long }).open(),
      () => sealedFile({ folder: `${root}/other`, key: `mcv1_${long}` }).open(),
      () => oidc({ issuer: `https://u:${long}@login.example.com`, clientId: 'x' }),
      () => localUser({ accessToken: secrets.of('html') }),
      () => new CredentialsProvider({ name: long, variables: { pat: { label: 'x' } } }),
      () =>
        new CredentialsProvider({
          name: 'x',
          variables: { pat: { label: 'x' } },
          destinations: [{ origin: `https://u:${long}@x.example.com`, header: { scheme: 'Bearer', field: 'pat' } }],
        }),
    ]
  }),
  refuses('secret in a variable of the environment', ({ secrets }) => {
    const long = secrets.of('long')
    const names = [
      'MCP_VAULT_BACKEND',
      'MCP_PENDING_STORE',
      'MCP_IDENTITY',
      'MCP_LINK_TTL_SECONDS',
      'MCP_TRUSTED_PROXIES',
    ]
    const base = { MCP_SERVER_BASE_URL: 'http://localhost:1' }
    return [
      ...names.map((name) => () => vaultOptionsFromEnvironment({ ...base, [name]: long })),
      () =>
        vaultOptionsFromEnvironment({ ...base, MCP_IDENTITY: 'local-user', MCP_LOCAL_ACCESS_TOKEN: `${long} ${long}` }),
      () => createStores({ MCP_VAULT_FOLDER: '/dev/null/x', MCP_VAULT_KEY: long }).backend.open(),
    ]
  }),
]
