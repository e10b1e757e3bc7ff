import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'
import Koa from 'koa'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { oidc } from '../../src/identity/oidc.ts'
import { credentialGate, mcpMount, type ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { fillIn, linkIn } from '../harness/mcp-harness.ts'
import { exampleClient, withToken } from '../harness/processes/example-client.ts'

const GATEWAY = 'https://gateway.example.com'
const SECRET = 'tok-3f9d2c71e8b04a56'

test('a gateway sends a token of its own: verifyToken names the person in it, and the form signs that person in', async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const app = new Koa()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const { issuer, issueAccessToken, close } = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('form', [`${baseUrl}/credentials/callback`])],
  })
  const vault = await openVault({
    serverBaseUrl: baseUrl,
    backend: memoryBackend(),
    audit: memoryAudit(),
    identity: oidc({ issuer, clientId: 'form' }),
    async verifyToken(token) {
      try {
        const { payload } = await jwtVerify<{ person: string }>(token, publicKey, {
          issuer: GATEWAY,
          audience: baseUrl,
        })
        return { issuer, subject: payload.person, scopes: [] }
      } catch {
        throw new CredentialVaultError('token_invalid', 'The token is not by the gateway.', { reason: 'x_gateway' })
      }
    },
    warn: () => undefined,
  })
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await Promise.all([vault.close(), close()])
  })
  const variables = { pat: { label: 'Token', type: 'password' } } as const
  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  vault.register(app)
  app.use(
    mcpMount(vault, (serverOptions) => {
      const mcp = new McpServer({ name: 'test', version: '1.0.0' }, serverOptions)
      const handler = credentialGate(mcp)(jira, async (extra: ToolExtra) => {
        const text = await jira.getCredentials(extra).use(({ pat }) => `a secret of ${pat.length} characters`)
        return { content: [{ type: 'text', text }] }
      })
      mcp.registerTool('secret', {}, handler)
      return mcp
    }),
  )
  server.on('request', app.callback())

  const token = await new SignJWT({ person: 'alice' })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(GATEWAY)
    .setAudience(baseUrl)
    .setExpirationTime('5m')
    .sign(privateKey)
  const alice = await exampleClient(withToken(`${baseUrl}/mcp`, token))
  await fillIn(linkIn(await alice.call('secret')), 'alice', { pat: SECRET })
  expect(await alice.call('secret')).toBe(`a secret of ${SECRET.length} characters`)

  // The identity provider's own token is none of the gateway's.
  const direct = await fetch(`${baseUrl}/mcp`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await issueAccessToken('alice')}` },
  })
  expect(direct.status).toBe(401)
})
