import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, GOOD_VALUES, type RawResponse, startFormServer } from '../harness/browser/form-server.ts'
import { csrfOf, visitorOf } from '../harness/browser/visitor.ts'

let server: FormServer

beforeAll(async () => {
  server = await startFormServer({ serverBaseUrl: 'https://vault.example.com/tools' })
})
afterAll(() => server.close())

const EXPECTED = {
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'x-robots-tag': 'noindex, nofollow',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
}

function expectHeaders({ headers, text }: RawResponse): void {
  expect(headers).toMatchObject(EXPECTED)
  expect(headers['x-powered-by']).toBeUndefined()
  expect(headers['access-control-allow-origin']).toBeUndefined()
  const policy = String(headers['content-security-policy'])
  for (const directive of [
    "default-src 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]) {
    expect(policy.split('; ')).toContain(directive)
  }
  expect(policy).not.toContain('unsafe')
  if (text !== '') expect(headers['content-type']).toMatch(/; charset=utf-8$/)
}

test('on https, under a base path: cookies are locked to the host, and every answer has every header', async () => {
  const link = await server.ask('alice')
  expect(link.entry).toMatch(/^\/tools\/credentials\/jira\/entry\?t=/)
  const alice = visitorOf(server)
  const answers: RawResponse[] = []
  const keep = async (answer: Promise<RawResponse>) => {
    answers.push(await answer)
    return answer
  }
  await keep(alice.get(link.entry))
  const begun = await keep(alice.post('/tools/credentials/login', { provider: 'jira', t: link.request.handle }))
  expect(begun.headers['set-cookie']).toEqual([
    expect.stringMatching(
      /^__Host-credentials-[0-9a-f]{8}-login-[\w-]{12}=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
    ),
  ])
  const back = await keep(alice.signIn('alice', link))
  expect(back.headers['set-cookie']).toEqual([
    expect.stringMatching(/^__Host-credentials-[0-9a-f]{8}-login-[\w-]{12}=; .*Max-Age=0$/),
    expect.stringMatching(/^__Host-credentials-[0-9a-f]{8}-session=[\w-]+; Path=\/; HttpOnly; SameSite=Lax; Secure$/),
  ])
  const form = await keep(alice.get(link.entry))
  const token = csrfOf(form.text, link)
  await keep(alice.post(link.submit, { 'csrf-token': token, site: '' }))
  await keep(alice.post(link.submit, {}))
  await keep(alice.post(link.submit, {}, { 'content-type': 'text/plain' }))
  await keep(alice.post(link.submit, {}, { origin: 'null' }))
  await keep(alice.get('/tools/credentials/nothing'))
  await keep(alice.get('/tools/credentials'))
  await keep(alice.get('/tools/credentials/jira/entry'))
  await keep(alice.get(link.entry, { host: 'evil.example.com' }))
  await keep(server.send({ method: 'TRACE', path: link.entry }))
  const saved = await keep(alice.post(link.submit, { 'csrf-token': token, ...GOOD_VALUES }))
  expect(saved.headers.location).toBe(`https://vault.example.com${link.done}`)
  const done = await keep(alice.get(link.done))
  expect(done.headers['clear-site-data']).toBe('"cache"')
  for (const answer of answers) {
    expectHeaders(answer)
    expect(answer.headers['cache-control']).toBe('no-store')
  }
  expect(answers.map(({ status }) => status)).toEqual([
    200, 200, 303, 200, 422, 403, 415, 403, 404, 200, 400, 421, 405, 303, 200,
  ])
})

test('what is not ours passes through untouched', async () => {
  for (const path of ['/', '/credentials/jira/entry', '/tools', '/tools/credentialsx', '/favicon.ico']) {
    const { text, headers } = await server.send({ path })
    expect(text).toBe('the application behind')
    expect(headers['content-security-policy']).toBeUndefined()
  }
})

test('assets are kept by the browser, under a name that changes with them', async () => {
  const page = await server.send({ path: (await server.ask('bob')).entry })
  const assets = [...page.text.matchAll(/(?:href|src)="(\/tools\/credentials\/assets\/[^"]+)"/g)].map(
    ([, path]) => path ?? '',
  )
  expect(assets).toHaveLength(4)
  for (const path of assets) {
    const asset = await server.send({ path })
    expect(asset.status).toBe(200)
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expectHeaders(asset)
    expect(String(page.headers['content-security-policy'])).toContain(`https://vault.example.com${path}`)
    expect((await server.send({ path, method: 'HEAD' })).headers['content-length']).toBe(
      String(Buffer.byteLength(asset.text)),
    )
    expect((await server.send({ path, method: 'POST', body: '' })).status).toBe(405)
  }
  for (const path of [
    '/tools/credentials/assets/vault.css',
    '/tools/credentials/assets/..%2f..%2fpackage.json',
    '/tools/credentials/assets/',
  ]) {
    expect((await server.send({ path })).status).toBe(404)
  }
})
