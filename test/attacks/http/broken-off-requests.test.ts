import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import Koa from 'koa'
import { expect, onTestFinished, test, vi } from 'vitest'
import { silenceGoneClients } from '../../../src/core/koa/client-gone.ts'

/** Serves a body reader, which fails if the client goes, and `/broken`, which fails by itself. */
async function start(app: Koa): Promise<number> {
  app.use(async (ctx) => {
    if (ctx.path === '/broken') throw Object.assign(new Error('the store is gone'), { code: 'ECONNRESET' })
    for await (const _ of ctx.req);
  })
  const server = createServer(app.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

async function breakOff(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf')
  await new Promise((resolve) => setImmediate(resolve))
  socket.resetAndDestroy()
}

test('requests that strangers break off print nothing, and other errors still do', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  const app = new Koa()
  silenceGoneClients(app)
  const ended: unknown[] = []
  app.on('error', (error) => ended.push(error))
  const port = await start(app)
  for (let count = 0; count < 5; count += 1) await breakOff(port)
  await expect.poll(() => ended.length).toBeGreaterThanOrEqual(5)
  expect(printed.mock.calls).toEqual([])
  // The client is there, so the error is the server's own.
  expect((await fetch(`http://127.0.0.1:${port}/broken`)).status).toBe(500)
  expect(String(printed.mock.calls)).toContain('the store is gone')
})
