import { afterAll, beforeAll, expect, test } from 'vitest'
import { publicDocuments } from '../../../src/destinations/public-documents.ts'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { pkce } from '../../harness/client-login.ts'
import { type HttpsHost, startHttpsHost } from '../../harness/https-host.ts'

// One stranger names slow pages of a listed host, each with another query. The users of every other host's clients log in meanwhile.
const LOOPBACK = 'http://127.0.0.1:8097/callback'
let slow: HttpsHost
let good: HttpsHost
let server: FormServer
beforeAll(async () => {
  slow = await startHttpsHost(() => undefined)
  good = await startHttpsHost((request, response) => {
    const client_id = `https://${good.host}${request.url}`
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ client_id, client_name: 'Editor', redirect_uris: [LOOPBACK] }))
  })
  const read = publicDocuments({ allowPrivateAddresses: true, resolve: good.resolve, ca: good.ca + slow.ca })
  server = await startFormServer({
    oidc: { scopes: ['mcp'], clientLogin: { metadataHosts: [slow.host, good.host] } },
    readClientDocument: read,
  })
})
afterAll(async () => {
  await server.close()
  await slow.close()
  await good.close()
})

function ask(clientId: string, address: string) {
  const query = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: LOOPBACK,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  }
  const headers = { 'x-forwarded-for': address }
  return server.send({ path: `/credentials/authorize?${new URLSearchParams(query)}`, headers })
}

test('one address that names slow documents keeps nobody else from theirs', async () => {
  expect((await ask(`https://${good.host}/client.json`, '192.0.2.9')).status).toBe(200)
  const attack = Array.from({ length: 8 }, (_, n) =>
    ask(`https://${slow.host}/slow?${n}`, '192.0.2.1').catch(() => undefined),
  )
  await expect.poll(() => slow.requests.length, { timeout: 4_000 }).toBeGreaterThan(0)
  const victim = await ask(`https://${good.host}/other.json`, '192.0.2.9')
  const attackers = await Promise.all(attack)
  expect(victim.status).toBe(200)
  // Neither a slow host nor a full house is the client's fault.
  expect(new Set(attackers.map((answer) => answer?.status))).toEqual(new Set([503]))
  expect(attackers[0]?.headers['retry-after']).toBe('10')
  expect(slow.requests.length).toBeLessThanOrEqual(2)
})
