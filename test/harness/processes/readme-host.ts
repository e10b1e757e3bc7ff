/** Serves README's example as the server that its reader has: an address, a transport, and a check of tokens that knows Alice. */
import '../../../examples/readme.ts'
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { app, server } from '../../../examples/your-server.ts'

const { BASE_URL = '', ISSUER = '' } = process.env

const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID })
await server.connect(transport as Transport)
app.use(async (ctx) => {
  const token = ctx.get('authorization').replace('Bearer ', '')
  if (token === '') return void Object.assign(ctx, { status: 401 })
  ctx.respond = false
  const auth = { token, clientId: 'client', scopes: [], extra: { iss: ISSUER, sub: 'alice' } }
  const request: IncomingMessage & { auth?: typeof auth } = ctx.req
  request.auth = auth
  await transport.handleRequest(request, ctx.res)
})
app.listen(Number(new URL(BASE_URL).port), '127.0.0.1')
