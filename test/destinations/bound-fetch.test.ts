import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { afterEach, expect, test } from 'vitest'
import type { BoundFetch } from '../../src/destinations/bound-fetch.ts'
import type { HeaderOptions } from '../../src/destinations/credential-header.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../harness/http-service.ts'

const toClose: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of toClose.splice(0)) await one.close()
})

async function service(...given: Parameters<typeof startService>): Promise<HttpService> {
  const started = await startService(...given)
  toClose.push(started)
  return started
}

function bound(...given: Parameters<typeof fetchTo>): BoundFetch {
  const made = fetchTo(...given)
  toClose.push(made)
  return made
}

test.each<[HeaderOptions, string, string]>([
  [bearer, 'authorization', `Bearer ${PAT}`],
  [{ name: 'PRIVATE-TOKEN', field: 'pat' }, 'private-token', PAT],
  [{ name: 'Authorization', field: 'pat', prefix: 'Token ' }, 'authorization', `Token ${PAT}`],
  [
    { scheme: 'Basic', user: { field: 'user' }, password: { field: 'pat' } },
    'authorization',
    `Basic ${Buffer.from(`änn:${PAT}`).toString('base64')}`,
  ],
  [
    { scheme: 'Basic', user: { value: '' }, password: { field: 'pat' } },
    'authorization',
    `Basic ${Buffer.from(`:${PAT}`).toString('base64')}`,
  ],
])('%o is sent as %s', async (header, name, value) => {
  const { origin, received } = await service()
  const variables = { pat: { label: 'Token' }, user: { label: 'User' } }
  const { fetch } = bound([{ origin, header }], { variables })
  const response = await fetch({ pat: PAT, user: 'änn' }, `${origin}/rest?q=1`)
  expect([response.status, await response.text()]).toEqual([200, 'ok'])
  expect(received[0]?.headers[name]).toBe(value)
  expect(received[0]?.url).toBe('/rest?q=1')
})

test('several headers are sent together, and the request may set none of them', async () => {
  const { origin, received } = await service()
  const variables = { key: { label: 'Key' }, app: { label: 'App' } }
  const header = [
    { name: 'DD-API-KEY', field: 'key' },
    { name: 'DD-APPLICATION-KEY', field: 'app' },
  ] as const
  const { fetch } = bound([{ origin, header }], { variables })
  await (await fetch({ key: 'one', app: 'two' }, origin)).text()
  expect(received[0]?.headers).toMatchObject({ 'dd-api-key': 'one', 'dd-application-key': 'two' })
  await expect(fetch({ key: 'one', app: 'two' }, origin, { headers: { 'dd-application-key': 'x' } })).rejects.toThrow(
    expect.objectContaining({ code: 'destination_refused', reason: 'header' }),
  )
  await expect(fetch({ key: 'one' }, origin)).rejects.toThrow(expect.objectContaining({ code: 'credential_malformed' }))
  expect(received).toHaveLength(1)
})

test('method, headers and bodies of every kind arrive', async () => {
  const { origin, received } = await service(async (request, response) => {
    response.end(`${request.method} ${request.headers['x-a']} ${await text(request)}`)
  })
  const { fetch } = bound([{ origin, header: bearer }])
  const send = async (init: RequestInit) => (await fetch({ pat: PAT }, origin, init)).text()
  expect(await send({ method: 'PUT', headers: { 'X-A': '1' }, body: 'text' })).toBe('PUT 1 text')
  expect(
    await send({ method: 'POST', headers: new Headers([['x-a', '2']]), body: new URLSearchParams({ a: 'b' }) }),
  ).toBe('POST 2 a=b')
  const form = new FormData()
  form.append('note', 'hello')
  form.append('file', new File(['content'], 'name.txt'))
  const sent = await send({ method: 'POST', body: form })
  expect(sent).toContain('name="note"\r\n\r\nhello')
  expect(sent).toContain('filename="name.txt"')
  expect(received.at(-1)?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
  const stream = Readable.toWeb(Readable.from([Buffer.from('streamed')])) as unknown as ReadableStream
  expect(await send({ method: 'POST', body: stream, duplex: 'half' })).toBe('POST undefined streamed')
})

test('a redirect within the origin is followed, with the method that fetch prescribes', async () => {
  const { origin, received } = await service((request, response) => {
    const to = request.url?.match(/^\/to-(\d+)/)?.[1]
    if (to) response.writeHead(Number(to), { location: '/done' })
    response.end(request.method)
  })
  const { fetch } = bound([{ origin, header: bearer }])
  const body = async (path: string, init?: RequestInit) => (await fetch({ pat: PAT }, origin + path, init)).text()
  expect(await body('/to-302')).toBe('GET')
  expect(await body('/to-307')).toBe('GET')
  expect(await body('/to-303', { method: 'PUT', body: 'x', headers: { 'content-type': 'a/b', 'x-a': '1' } })).toBe(
    'GET',
  )
  expect(received.at(-1)?.headers).toMatchObject({ authorization: `Bearer ${PAT}`, 'x-a': '1' })
  expect(received.at(-1)?.headers).not.toHaveProperty('content-type')
  expect(await body('/to-301', { method: 'POST', body: 'x' })).toBe('GET')
  await expect(body('/to-307', { method: 'POST', body: 'x' })).rejects.toMatchObject({ reason: 'redirect' })
  await expect(body('/to-302', { method: 'DELETE' })).rejects.toMatchObject({ reason: 'redirect' })
  const manual = await fetch({ pat: PAT }, `${origin}/to-302`, { redirect: 'manual' })
  expect([manual.status, manual.headers.get('location')]).toEqual([302, '/done'])
  await expect(body('/to-302', { redirect: 'error' })).rejects.toMatchObject({ reason: 'redirect' })
})

test('an endless redirect ends after five', async () => {
  const { origin, received } = await service((_, response) => response.writeHead(302, { location: '/again' }).end())
  const { fetch } = bound([{ origin, header: bearer }])
  await expect(fetch({ pat: PAT }, origin)).rejects.toMatchObject({ code: 'destination_refused', reason: 'redirect' })
  expect(received).toHaveLength(6)
})

test("the field's origin is the destination, whatever its path", async () => {
  const { origin, port } = await service()
  const variables = {
    pat: { label: 'Token' },
    base_url: { label: 'Site', type: 'url', allowedHosts: [`http://127.0.0.1:${port}`] },
  } as const
  const { fetch } = bound([{ fromField: 'base_url', header: bearer, allowPrivateAddresses: true }], { variables })
  const response = await fetch({ pat: PAT, base_url: `${origin}/jira/` }, `${origin}/rest`)
  expect(response.status).toBe(200)
  await expect(fetch({ pat: PAT }, `${origin}/rest`)).rejects.toMatchObject({ reason: 'origin' })
})

test("fetch('/path') works with a single destination", async () => {
  const { origin, port, received } = await service()
  const variables = {
    pat: { label: 'Token' },
    base_url: { label: 'Site', type: 'url', allowedHosts: [`http://127.0.0.1:${port}`] },
  } as const
  const fixed = bound([{ origin, header: bearer }])
  const entered = bound([{ fromField: 'base_url', header: bearer, allowPrivateAddresses: true }], { variables })
  await fixed.fetch({ pat: PAT }, '/rest?q=1#part')
  await fixed.fetch({ pat: PAT }, '/@evil.test/../x')
  for (const base_url of [origin, `${origin}/jira`, `${origin}/jira/?a=b`])
    await entered.fetch({ pat: PAT, base_url }, '/rest')
  expect(received.map(({ url }) => url)).toEqual(['/rest?q=1', '/x', '/rest', '/jira/rest', '/jira/rest'])
  const away = entered.fetch({ pat: PAT, base_url: 'http://evil.test' }, '/rest')
  await expect(away).rejects.toMatchObject({ code: 'destination_refused', reason: 'origin' })
})

test('a path alone says too little with several destinations, or none', async () => {
  const { origin, received } = await service()
  const two = bound([
    { origin, header: bearer },
    { origin: 'http://127.0.0.1:1', header: bearer },
  ])
  for (const { fetch } of [two, bound([])])
    await expect(fetch({ pat: PAT }, '/rest')).rejects.toMatchObject({
      code: 'destination_refused',
      reason: 'not_a_url',
      message: expect.stringContaining('exactly one destination'),
    })
  await expect(bound([{ origin, header: bearer }]).fetch({ pat: PAT }, 'rest')).rejects.toMatchObject({
    reason: 'not_a_url',
  })
  expect(received).toHaveLength(0)
})

test('an outage is unavailable, and says nothing of the request', async () => {
  const { origin, close } = await startService()
  await close()
  const { fetch } = bound([{ origin, header: bearer }])
  const error = await fetch({ pat: PAT }, `${origin}/path`).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'unavailable', retryable: true })
  expect(error).not.toHaveProperty('cause')
  expect(String(error)).not.toMatch(/ECONNREFUSED|127\.0\.0\.1|path/)
})

test('a connection that breaks off is unavailable', async () => {
  const { origin } = await service((request) => request.socket.destroy())
  const { fetch } = bound([{ origin, header: bearer }])
  await expect(fetch({ pat: PAT }, origin)).rejects.toMatchObject({ code: 'unavailable' })
})

test("the caller's own signal ends the request with the caller's own reason", async () => {
  const reason = new Error('enough')
  const controller = new AbortController()
  const { origin } = await service(() => controller.abort(reason))
  const { fetch } = bound([{ origin, header: bearer }])
  const request = fetch({ pat: PAT }, origin, { signal: controller.signal })
  await expect(request).rejects.toBe(reason)
  await expect(fetch({ pat: PAT }, origin, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
})

test('close ends what runs, and refuses what comes', async () => {
  const { origin } = await service(() => void close())
  const { fetch, close } = bound([{ origin, header: bearer }])
  const request = fetch({ pat: PAT }, origin)
  await expect(request).rejects.toMatchObject({ code: 'unavailable' })
  await expect(fetch({ pat: PAT }, origin)).rejects.toMatchObject({ code: 'unavailable' })
})

test('no proxy of the environment or the process sees the request', async () => {
  const { origin } = await service()
  const proxy = await service()
  const global = getGlobalDispatcher()
  const proxyAgent = new EnvHttpProxyAgent({ httpProxy: proxy.origin, noProxy: '' })
  setGlobalDispatcher(proxyAgent)
  process.env['HTTP_PROXY'] = proxy.origin
  try {
    const { fetch } = bound([{ origin, header: bearer }])
    expect((await fetch({ pat: PAT }, origin)).status).toBe(200)
    expect(proxy.received).toEqual([])
  } finally {
    delete process.env['HTTP_PROXY']
    setGlobalDispatcher(global)
    await proxyAgent.close()
  }
})

test('an agent that the caller brings is not used', async () => {
  const { origin } = await service()
  const { fetch } = bound([{ origin, header: bearer }])
  const dispatcher = { dispatch: () => expect.fail('the agent of the caller got the request') }
  const response = await fetch({ pat: PAT }, origin, { dispatcher } as unknown as RequestInit)
  expect(response.status).toBe(200)
})
