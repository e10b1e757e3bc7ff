import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { CredentialsProvider, oidc, openVault, sealedFile } from 'mcp-credential-vault'
import { credentialGate, type ToolExtra } from 'mcp-credential-vault/mcp/sdk-v1'
import { z } from 'zod'

const { BASE_URL = '', PORT = '8005', ISSUER = '', TICKETS_URL = '' } = process.env

const vault = await openVault({
  serverBaseUrl: BASE_URL,
  backend: sealedFile({ folder: './data' }),
  identity: oidc({ issuer: ISSUER, clientId: 'mcp-form', scopes: ['mcp'] }),
})
const pat = { label: 'Personal access token', type: 'password' } as const
const tickets = new CredentialsProvider({ vault, name: 'tickets', variables: { pat } })

const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks`))
const checkToken = requireBearerAuth({
  resourceMetadataUrl: `${BASE_URL}/.well-known/oauth-protected-resource/mcp`,
  verifier: {
    async verifyAccessToken(token) {
      const checks = { issuer: ISSUER, audience: `${BASE_URL}/mcp` }
      const { payload } = await jwtVerify(token, keys, checks).catch(refuse)
      const clientId = String(payload['client_id'] ?? '')
      return { token, clientId, scopes: [], expiresAt: payload.exp ?? 0, extra: payload }
    },
  },
})

/** Clients sign in again only after a 401, which InvalidTokenError causes. An outage of the key server must not become one. */
function refuse(error: unknown): never {
  const outage = !(error instanceof errors.JOSEError) || ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT'].includes(error.code)
  throw outage ? error : new InvalidTokenError('The access token is expired, malformed, or meant for another server')
}

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'tickets', version: '1.0.0' })
  const gated = credentialGate(server)(tickets, async ({ title }: { title: string }, extra: ToolExtra) => {
    const text = await tickets.getCredentials(extra).use(({ pat }) => createTicket(title, pat))
    return { content: [{ type: 'text', text }] }
  })
  server.registerTool('create_ticket', { inputSchema: { title: z.string() } }, gated)
  return server
}

async function createTicket(title: string, token: string): Promise<string> {
  const answer = await fetch(`${TICKETS_URL}/api/tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ title }),
  })
  if (!answer.ok) throw new Error(`The Ticket Service answered ${answer.status}: ${await answer.text()}`)
  return answer.text()
}

const app = express()
app.use(vault.nodeHandler())
app.use(express.json())
app.use(express.urlencoded())
app.post('/mcp', checkToken, async (request, response) => {
  const transport = new StreamableHTTPServerTransport({})
  response.on('close', () => void transport.close())
  await createMcpServer().connect(transport as Parameters<McpServer['connect']>[0])
  await transport.handleRequest(request, response, request.body)
})
app.all('/mcp', (_request, response) => void response.sendStatus(405))
const http = app.listen(Number(PORT), '127.0.0.1')
const stop = () => void vault.close().then(() => http.close())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
http.once('listening', () => console.log(`Serving ${BASE_URL}/mcp on port ${PORT}`))
http.once('error', ({ message }) => {
  console.error(`${message}. Set PORT to a free port.`)
  process.exitCode = 1
  stop()
})
