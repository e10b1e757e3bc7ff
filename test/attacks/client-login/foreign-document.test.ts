import type { RequestListener } from 'node:http'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { publicDocuments } from '../../../src/destinations/public-documents.ts'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { pkce } from '../../harness/client-login.ts'
import { type HttpsHost, startHttpsHost } from '../../harness/https-host.ts'

// A client id that is an URL makes this server read what is there, for anybody who opens a link.
const LOOPBACK = 'http://127.0.0.1:8097/callback'
let host: HttpsHost
let server: FormServer
/** What each path of the host answers. */
const documents = new Map<string, RequestListener>()

beforeAll(async () => {
  host = await startHttpsHost((request, response) => {
    const answer = documents.get(request.url ?? '')
    if (answer) answer(request, response)
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
  })
  server = await startFormServer({
    oidc: {
      scopes: ['mcp'],
      clientLogin: { metadataHosts: [host.host], redirectUris: ['https://listed.example.com/cb'] },
    },
    readClientDocument: publicDocuments({ allowPrivateAddresses: true, resolve: host.resolve, ca: host.ca }),
  })
})
afterAll(async () => {
  await server.close()
  await host.close()
})

const idOf = (path: string) => `https://${host.host}${path}`

function serve(path: string, changes: Record<string, unknown> = {}, { type = 'application/json', status = 200 } = {}) {
  const document = { client_id: idOf(path), client_name: 'Editor', redirect_uris: [LOOPBACK, idOf('/cb')], ...changes }
  documents.set(path, (_request, response) => {
    response.writeHead(status, { 'content-type': type, location: '/good.json' }).end(JSON.stringify(document))
  })
  return idOf(path)
}

async function ask(clientId: string, redirectUri = LOOPBACK) {
  const query = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
  }
  const { status, text } = await server.send({ path: `/credentials/authorize?${new URLSearchParams(query)}` })
  const lines = server.audit.events.filter(({ type }) => type === 'client.refused')
  return { status, text, reason: lines.at(-1)?.reason }
}

test('a good document: the page names its host, and its name as unverified', async () => {
  const { status, text } = await ask(serve('/good.json'))
  expect(status).toBe(200)
  expect(text).toContain(host.host)
  expect(text).toContain('Editor')
  expect(text).toContain('not verified')
  expect((await ask(idOf('/good.json'), idOf('/cb'))).status).toBe(200)
})

test.each<[string, Record<string, unknown>]>([
  ['another client id', { client_id: 'https://other.example.com/client.json' }],
  ['its client id with a slash more', { client_id: 'SELF/' }],
  ['no client id', { client_id: undefined }],
  ['no redirect URI', { redirect_uris: [] }],
  ['no name', { client_name: undefined }],
  ['a redirect URI that is no text', { redirect_uris: [1] }],
  ['a key of its own, which nobody would ask it for', { token_endpoint_auth_method: 'private_key_jwt' }],
])('a document with %s', async (name, changes) => {
  const path = `/${encodeURIComponent(name)}.json`
  const id = idOf(path)
  const changed = changes['client_id'] === 'SELF/' ? { client_id: `${id}/` } : changes
  const { status, reason } = await ask(serve(path, changed))
  expect([status, reason]).toEqual([400, 'answer'])
})

test.each([
  ['/moved.json', { status: 302 }, 'redirect'],
  ['/gone.json', { status: 404 }, 'answer'],
  ['/page.json', { type: 'text/html' }, 'answer'],
])('%s, answered with %j', async (path, how, expected) => {
  const { status, reason } = await ask(serve(path, {}, how))
  expect([status, reason]).toEqual([400, expected])
})

test('a document that is too large, and one without end', async () => {
  expect((await ask(serve('/large.json', { padding: 'a'.repeat(20_000) }))).reason).toBe('answer_too_large')
  documents.set('/endless.json', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const more = () => response.write('a'.repeat(1024))
    response.on('drain', more)
    const timer = setInterval(more, 1)
    response.on('close', () => clearInterval(timer))
  })
  expect((await ask(idOf('/endless.json'))).reason).toBe('answer_too_large')
})

test('a document that is nested without end', async () => {
  documents.set('/deep.json', (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('['.repeat(10_000))
  })
  expect((await ask(idOf('/deep.json'))).status).toBe(400)
})

test.each([
  'https://evil.example.com/client.json',
  'https://clients.example.com/client.json',
  'http://HOST/good.json',
  'https://HOST',
  'https://HOST/',
  'https://HOST/good.json#x',
  'https://user@HOST/good.json',
  'https://HOST/a/../good.json',
  'https://HOST.evil.example.com/good.json',
  'https://evil.example.com/@HOST/good.json',
  'https://HOST\\@evil.example.com/good.json',
])('%s is not read', async (template) => {
  const asked = host.requests.length
  const { status, reason } = await ask(template.replace('HOST', host.host))
  expect([status, reason]).toEqual([400, 'client_unknown'])
  expect(host.requests).toHaveLength(asked)
})

test.each(['https://evil.example.com/callback', 'https://listed.example.com/cb2', 'cursor://callback'])(
  'a document may not send people to %s',
  async (uri) => {
    const path = `/to-${encodeURIComponent(uri)}.json`
    const { status, reason } = await ask(serve(path, { redirect_uris: [uri, LOOPBACK] }), uri)
    expect([status, reason]).toEqual([400, 'client_redirect_uri'])
  },
)

test('a host that resolves to a private address is not asked', async () => {
  const read = publicDocuments({ allowPrivateAddresses: false, resolve: host.resolve, ca: host.ca })
  const asked = host.requests.length
  await expect(read(idOf('/good.json'))).rejects.toMatchObject({ code: 'destination_refused', reason: 'address' })
  for (const literal of ['https://127.0.0.1/x', 'https://[::1]/x', 'https://169.254.169.254/x', 'https://10.0.0.1/x']) {
    await expect(read(literal)).rejects.toMatchObject({ reason: 'address' })
  }
  expect(host.requests).toHaveLength(asked)
})

test('metadata services are not asked even where private addresses are allowed', async () => {
  const read = publicDocuments({ allowPrivateAddresses: true })
  await expect(read('https://169.254.169.254/latest')).rejects.toMatchObject({ reason: 'address' })
})

test('a certificate that is not accepted', async () => {
  const read = publicDocuments({ allowPrivateAddresses: true, resolve: host.resolve })
  await expect(read(idOf('/good.json'))).rejects.toMatchObject({ code: 'unavailable', reason: 'service_tls' })
})

test('many who ask at once share one request, and strangers get no more than two at a host', async () => {
  const open = new Map<string, () => void>()
  const slow = Array.from({ length: 8 }, (_, n) => `/slow-${n}.json`)
  for (const path of slow) {
    documents.set(path, (_request, response) => {
      open.set(path, () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
    })
  }
  const read = publicDocuments({ allowPrivateAddresses: true, resolve: host.resolve, ca: host.ca })
  const asked = slow.map((path) => read(idOf(path)).catch((error: { reason: string }) => error.reason))
  const same = Array.from({ length: 20 }, () => read(idOf('/slow-0.json')))
  expect(await Promise.all(asked.slice(2))).toEqual(Array.from({ length: 6 }, () => 'service_busy'))
  while (open.size < 2) await new Promise((resolve) => setImmediate(resolve))
  for (const answer of open.values()) answer()
  expect(new Set(await Promise.all([...asked.slice(0, 2), ...same]))).toEqual(new Set(['{}']))
  expect([...open.keys()].sort()).toEqual(slow.slice(0, 2))
})

test('what a host takes back ends within a minute, and is not asked for more often', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const read = publicDocuments({ allowPrivateAddresses: true, resolve: host.resolve, ca: host.ca })
  const id = serve('/kept.json')
  await read(id)
  serve('/kept.json', {}, { status: 404 })
  vi.advanceTimersByTime(59_999)
  expect(await read(id)).toContain('Editor')
  vi.advanceTimersByTime(1)
  await expect(read(id)).rejects.toMatchObject({ reason: 'answer' })
})
