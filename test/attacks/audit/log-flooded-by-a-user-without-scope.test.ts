import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { expect, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { createBearerGate } from '../../../src/web/bearer/bearer-gate.ts'

// Anybody in the company has a token of the issuer. Without this server's scope it opens nothing, yet each request writes a line.
test('a valid token without the scope writes a bounded number of lines', async () => {
  const audit = memoryAudit()
  const health = createHealth(() => {})
  const journal = createJournal({ audit, health })
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const app = new Koa()
  app.use(
    createBearerGate({
      serverBaseUrl: new URL(`http://127.0.0.1:${port}`),
      identity: {
        resource: { resource: `http://127.0.0.1:${port}/mcp`, authorizationServers: [], scopes: ['mcp'] },
        verifyToken: async () => ({ issuer: 'https://id.example.com', subject: 'mallory', scopes: [] }),
        browserLogin: {
          mode: 'local-user',
          hasLogin: false,
          displayName: 'x',
          begin: () => Promise.reject(new Error('unused')),
          complete: () => Promise.reject(new Error('unused')),
        },
      } as never,
      journal,
      health,
      options: { trustedProxies: 0, serverName: 'x' },
    }),
  )
  server.on('request', app.callback())
  for (let index = 0; index < 1000; index += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/mcp`, { headers: { authorization: 'Bearer x' } })
    expect(response.status).toBe(403)
    await response.text()
  }
  await new Promise((resolve) => server.close(resolve))
  await journal.close()
  expect(audit.events.filter(({ type }) => type === 'token.rejected').length).toBeLessThanOrEqual(600)
})
