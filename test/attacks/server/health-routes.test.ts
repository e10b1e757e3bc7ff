import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import Koa from 'koa'
import { describe, expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import type { CredentialVault } from '../../../src/vault/credential-vault.ts'
import { openVault } from '../../../src/vault/open-vault.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const PATH = '/srv/vault/alice.key'

async function serve(change: Partial<SecretBackend> = {}) {
  const backend = memoryBackend()
  let asked = 0
  const stat = async (...given: Parameters<SecretBackend['stat']>) => {
    asked += 1
    return (change.stat ?? backend.stat)(...given)
  }
  const vault: CredentialVault = await openVault({
    serverBaseUrl: 'http://localhost:8005',
    backend: { ...backend, stat },
    audit: memoryAudit(),
    warn: () => {},
  })
  const app = new Koa()
  app.silent = true
  app.use(vault.healthRoutes().routes)
  vault.register(app)
  const server = createServer(app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await vault.close()
  })
  const { port } = server.address() as AddressInfo
  return { vault, port, url: `http://127.0.0.1:${port}`, asked: () => asked }
}

describe('a stranger', () => {
  test.each([
    ['a plain error', new Error(`${PATH}: ${SECRET} of alice`)],
    ['a made-up error', Object.assign(new Error(SECRET), { code: 'unavailable', reason: SECRET })],
    ['an error of ours with text as its reason', withReason(`${PATH} ${SECRET} alice`)],
    ['an error of ours with a long reason', withReason(`x_${'a'.repeat(500)}`)],
  ])('learns from a backend that throws %s a code and nothing more', async (_, error) => {
    const { url } = await serve({
      stat: async () => {
        throw error
      },
    })
    const answer = await fetch(`${url}/readyz`)
    const text = await answer.text()
    expect(answer.status).toBe(503)
    expect(text).toMatch(/^\{"status":"not_ready","problems":\{"backend":"[a-z0-9_]{1,64}"\}\}$/)
    expect(text + JSON.stringify([...answer.headers])).not.toMatch(new RegExp(`${SECRET}|alice|srv`))
  })

  test('gets the same answer whatever else the request holds', async () => {
    const { url } = await serve()
    const texts = await Promise.all(
      ['?verbose=1', '?part=backend', '?owner=alice'].map(async (query) => {
        const answer = await fetch(`${url}/readyz${query}`, {
          headers: { authorization: 'Bearer x', 'x-forwarded-for': '127.0.0.1', accept: 'text/html' },
        })
        return answer.text()
      }),
    )
    expect(new Set(texts)).toEqual(new Set(['{"status":"ready"}']))
  })

  test('who floods a hanging store keeps one question open, and /healthz answers', async () => {
    const { url, asked } = await serve({ stat: () => new Promise(() => {}) })
    const flood = Array.from({ length: 200 }, () => fetch(`${url}/readyz`).then((answer) => answer.json()))
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const answers = await Promise.all(flood)
    expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
      new Set(['{"status":"not_ready","problems":{"backend":"timeout"}}']),
    )
    expect(asked()).toBeLessThan(10)
  })

  test('cannot make it not ready by what they send to pages', async () => {
    const { url } = await serve()
    for (const path of ['/credentials/callback?error=server_error', '/credentials/jira/entry?t=x', '/credentials'])
      await fetch(url + path, { method: 'POST', body: 'x'.repeat(1_000) })
    expect(await (await fetch(`${url}/readyz`)).text()).toBe('{"status":"ready"}')
  })
})

describe('who sends slowly', () => {
  test('a form that never ends does not hold the end of the process', async () => {
    const { vault, port } = await serve()
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    socket.write(
      'POST /credentials/login HTTP/1.1\r\nHost: localhost:8005\r\nOrigin: http://localhost:8005\r\n' +
        'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\nprovider=',
    )
    // The server has read the head once it answers a later connection.
    await new Promise<void>((resolve) =>
      request({ port, host: '127.0.0.1', path: '/healthz' }, (answer) => answer.resume().once('end', resolve)).end(),
    )
    // It would be rejected, or take until the time is up.
    const ended = vault.close({ withinSeconds: 600 }).then(() => 'closed')
    expect(await ended).toBe('closed')
  })
})

function withReason(reason: string): Error {
  return new CredentialVaultError('unavailable', 'It does not answer.', { reason: reason as 'x_any' })
}
