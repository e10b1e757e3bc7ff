import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, test } from 'vitest'
import { type HttpCheckOptions, httpCheck } from '../../../src/destinations/http-check.ts'
import { bearer, type HttpService, PAT, startService } from '../../harness/http-service.ts'
import { type LocalForm, startLocalForm } from '../../harness/local-form.ts'

// The service that a new credential is tried at, or whoever controls it, answers as it likes.
const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function serviceThat(answer: (response: ServerResponse) => void): Promise<HttpService> {
  const service = await startService((_, response) => answer(response))
  endings.push(service.close)
  return service
}

async function formAt(options: object): Promise<LocalForm> {
  const form = await startLocalForm({ variables: { pat: { label: 'Token', type: 'password' } }, ...options })
  endings.push(form.close)
  return form
}

async function attacked(answer: (response: ServerResponse) => void, check: Partial<HttpCheckOptions> = {}) {
  const service = await serviceThat(answer)
  const form = await formAt({
    destinations: [{ origin: service.origin, header: bearer }],
    verify: httpCheck({ url: '/me', account: '/displayName', ...check }),
  })
  const page = await form.submit({ pat: PAT })
  const stored = await form.stored()
  return { service, form, page, stored, line: form.audit.events.at(-1) }
}

test.each([301, 302, 303, 307, 308])(
  'a %i to another origin is not followed, and gets no credential',
  async (status) => {
    const other = await serviceThat((response) => void response.end('{"displayName":"Mallory"}'))
    const { page, stored, line } = await attacked(
      (response) => void response.writeHead(status, { location: `${other.origin}/me` }).end(),
    )
    expect(page.status).toBe(503)
    expect(stored).toMatchObject({ status: 'absent' })
    expect(line).toMatchObject({ outcome: 'error', reason: 'redirect' })
    expect(other.received).toEqual([])
  },
)

test('a redirect within the origin is not followed either: a page to sign in answers 200', async () => {
  let asked = 0
  const { page, service } = await attacked((response) => {
    asked += 1
    if (asked > 1) response.end('{"displayName":"the sign-in page"}')
    else response.writeHead(302, { location: '/login' }).end()
  })
  expect(page.status).toBe(503)
  expect(service.received).toHaveLength(1)
})

test.each<[string, (pat: string) => string]>([
  ['as it is', (pat) => pat],
  ['in base64', (pat) => Buffer.from(`x:${pat}`).toString('base64')],
  ['in a sentence', (pat) => `Alice (${pat})`],
])('a display name that holds the secret %s is neither shown nor kept', async (_, spell) => {
  const { page, stored, form } = await attacked(
    (response) => void response.end(JSON.stringify({ displayName: spell(PAT) })),
  )
  expect(page.status).toBe(200)
  expect(stored).toMatchObject({ status: 'active' })
  for (const sink of [page.html, JSON.stringify(stored), JSON.stringify(form.audit.events), form.warnings.join()])
    expect(sink).not.toContain(spell(PAT))
})

test('a refusal whose body holds the secret shows none of it', async () => {
  const { page, form } = await attacked((response) => void response.writeHead(401).end(`no such token: ${PAT}`))
  expect(page.status).toBe(422)
  for (const sink of [page.html, JSON.stringify(form.audit.events), form.warnings.join()])
    expect(sink).not.toContain(PAT)
})

const TEN_MEGABYTES = 10 * 1024 * 1024

test.each<[string, (response: ServerResponse) => void]>([
  ['plain', (response) => void response.end(JSON.stringify({ displayName: 'x'.repeat(TEN_MEGABYTES) }))],
  [
    'compressed a thousandfold',
    (response) => {
      response.setHeader('content-encoding', 'gzip')
      response.end(gzipSync(JSON.stringify({ displayName: 'x'.repeat(TEN_MEGABYTES) })))
    },
  ],
])('an answer of 10 MB, %s, is not read to its end', async (_, answer) => {
  const { page, stored, line } = await attacked(answer)
  expect(page.status).toBe(503)
  expect(stored).toMatchObject({ status: 'absent' })
  expect(line).toMatchObject({ reason: 'answer_too_large' })
})

test.each<[string, (response: ServerResponse) => void]>([
  ['never answers', () => undefined],
  ['sends headers and never a body', (response) => void response.flushHeaders()],
  [
    'sends a byte at a time',
    (response) => {
      const timer = setInterval(() => response.write(' '), 50)
      response.once('close', () => clearInterval(timer))
    },
  ],
])(
  'a service that %s costs 5 seconds: 503, nothing saved, the connection closed',
  { timeout: 20_000 },
  async (_, answer) => {
    let closed: Promise<void> | undefined
    const started = performance.now()
    const { page, stored, line } = await attacked((response) => {
      closed = new Promise((resolve) => response.once('close', resolve))
      answer(response)
    })
    expect(performance.now() - started).toBeLessThan(9_000)
    expect(page.status).toBe(503)
    expect(page.html).toContain('Try again in a moment')
    expect(page.html).not.toContain(PAT)
    expect(stored).toMatchObject({ status: 'absent' })
    expect(line).toMatchObject({ outcome: 'error', reason: 'timeout' })
    await closed
  },
)

test.each<[string, string]>([
  ['a page', '<!doctype html><title>Sign in</title>'],
  ['nothing', ''],
  ['half of it', '{"displayName":"Al'],
])('an answer that is not JSON but %s is no verdict', async (_, body) => {
  const { page, line, form } = await attacked((response) => void response.end(body))
  expect(page.status).toBe(503)
  expect(line).toMatchObject({ outcome: 'error', reason: 'answer' })
  if (body !== '') expect(form.warnings.join()).not.toContain(body)
})

test('a service that breaks off its answer is no verdict', async () => {
  const { page, line } = await attacked((response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('{"displayName":', () => response.destroy())
  })
  expect(page.status).toBe(503)
  expect(line).toMatchObject({ reason: 'service_broken_off' })
})

const header = { scheme: 'Bearer', field: 'pat' } as const
const withSite = (allowedHosts: readonly string[], destination: object = {}) => ({
  variables: { pat: { label: 'Token', type: 'password' }, site: { label: 'Site', type: 'url', allowedHosts } },
  destinations: [{ fromField: 'site', header, ...destination }],
  verify: httpCheck({ url: { fromField: 'site', path: '/me' }, account: '/displayName' }),
})

test("a user's address at a host that is not allowed is refused by its field, and nothing is sent", async () => {
  const service = await serviceThat((response) => void response.end('{}'))
  const form = await formAt(withSite(['jira.example.com']))
  const page = await form.submit({ pat: PAT, site: service.origin })
  expect(page.status).toBe(422)
  expect(page.html).toContain('href="#field-site"')
  expect(service.received).toEqual([])
})

test.each(['127.0.0.1', 'localhost'])(
  "a user's address that leads into the server's own network (%s) is not asked",
  async (host) => {
    const service = await serviceThat((response) => void response.end('{}'))
    const site = `http://${host}:${service.port}`
    const form = await formAt(withSite([site]))
    const page = await form.submit({ pat: PAT, site })
    expect(page.status).toBe(503)
    expect(form.audit.events.at(-1)).toMatchObject({ outcome: 'error', reason: 'address' })
    expect(service.received).toEqual([])
    expect(await form.stored()).toMatchObject({ status: 'absent' })
  },
)

test("the same address works if the operator allows private ones, below the user's path; 404 there is a verdict", async () => {
  let status = 404
  const service = await serviceThat((response) => void response.writeHead(status).end('{"displayName":"Alice"}'))
  const site = `${service.origin.replace('127.0.0.1', 'localhost')}/jira/`
  const form = await formAt(withSite([new URL(site).origin], { allowPrivateAddresses: true }))
  const wrong = await form.submit({ pat: PAT, site })
  expect(wrong.status).toBe(422)
  expect(wrong.html).toContain('was not found at the address that you entered')
  status = 200
  expect((await form.submit({ pat: PAT, site })).html).toContain('Alice')
  expect(service.received.map(({ url }) => url)).toEqual(['/jira/me', '/jira/me'])
})
