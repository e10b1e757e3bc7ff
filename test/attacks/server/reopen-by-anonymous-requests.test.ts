import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

// A provider that opens its vault by itself tries again at each request for its pages, whoever asks. A backend that was opened before
// something else was found wrong has logged in, and has to be closed again.
test('a vault that does not open leaves no backend open, however often a stranger asks', async () => {
  const opened = { now: 0 }
  const memory = memoryBackend()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const provider = new CredentialsProvider({
    name: 'jira',
    variables: { pat: { label: 'Token', type: 'password' } },
    serverBaseUrl: baseUrl,
    backend: {
      ...memory,
      open: async () => {
        opened.now += 1
      },
      close: async () => {
        opened.now -= 1
      },
    },
    // It wants a web key, and none is set.
    pendingStore: { ...memoryPendingStore(), shared: true },
  })
  const app = new Koa()
  app.silent = true
  provider.register(app)
  server.on('request', app.callback())
  try {
    for (let request = 0; request < 10; request += 1) {
      expect((await fetch(`${baseUrl}/credentials/jira/entry?t=x`)).status).toBe(500)
    }
    expect(opened.now).toBe(0)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})
