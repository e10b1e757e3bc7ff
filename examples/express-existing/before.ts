import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import express from 'express'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { z } from 'zod'

const { BASE_URL = '', ISSUER = '', TICKETS_URL = '' } = process.env

const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks`))
const checkToken = requireBearerAuth({
  verifier: {
    async verifyAccessToken(token) {
      const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: `${BASE_URL}/mcp` })
      return { token, clientId: String(payload['client_id']), scopes: [], expiresAt: payload.exp ?? 0, extra: payload }
    },
  },
})

function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'tickets', version: '1.0.0' })
  server.registerTool('create_ticket', { inputSchema: { title: z.string() } }, async ({ title }) => {
    const text = await createTicket(title, process.env['TICKETS_TOKEN'] ?? '')
    return { content: [{ type: 'text', text }] }
  })
  return server
}

async function createTicket(title: string, token: string): Promise<string> {
  const answer = await fetch(`${TICKETS_URL}/api/tickets`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ title }),
  })
  return answer.text()
}

const app = express()
app.use(express.json())
app.use(express.urlencoded())
app.post('/mcp', checkToken, async (request, response) => {
  const transport = new StreamableHTTPServerTransport({})
  response.on('close', () => void transport.close())
  await createMcpServer().connect(transport as Parameters<McpServer['connect']>[0])
  await transport.handleRequest(request, response, request.body)
})
const http = app.listen(Number(new URL(BASE_URL).port), '127.0.0.1')
process.once('SIGTERM', () => http.close())
