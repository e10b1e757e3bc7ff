import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { type HttpCheckOptions, httpCheck } from '../../../src/destinations/http-check.ts'
import { valueAt } from '../../../src/destinations/json-pointer.ts'
import { readExpiry } from '../../../src/destinations/read-expiry.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { bearer, type HttpService, PAT, startService } from '../../harness/http-service.ts'
import { type LocalForm, startLocalForm } from '../../harness/local-form.ts'

let service: HttpService
let answer: (response: ServerResponse) => void
let form: LocalForm | undefined
beforeAll(async () => {
  service = await startService((_, response) => answer(response))
})
afterEach(async () => {
  await form?.close()
  form = undefined
})
afterAll(() => service.close())

const variables = { pat: { label: 'Token', type: 'password' } } as const
const json = (body: unknown, status = 200, headers: Record<string, string> = {}) => {
  answer = (response) => void response.writeHead(status, headers).end(JSON.stringify(body))
}

async function formWith(check: Partial<HttpCheckOptions>): Promise<LocalForm> {
  const destinations = [{ origin: service.origin, header: bearer }]
  form = await startLocalForm({ variables, destinations, verify: httpCheck({ url: '/me', ...check }) })
  return form
}

const day = 86_400_000
const inAMonth = new Date(Math.floor(Date.now() / day) * day + 30 * day)
const date = inAMonth.toISOString().slice(0, 10)

describe('an accepted credential', () => {
  test('is saved with the account and the end that the service names, and the request is that of a handle', async () => {
    json({ user: { 'a/b~': 'Alice' }, ends: [{ at: date }] })
    const { submit, stored, audit } = await formWith({ account: '/user/a~1b~0', expires: '/ends/0/at' })
    const from = service.received.length
    const page = await submit({ pat: PAT })
    expect(page.html).toContain('Alice')
    expect(await stored()).toMatchObject({ status: 'active', labels: { accountName: 'Alice', expiresAt: inAMonth } })
    const [asked] = service.received.slice(from)
    expect([asked?.method, asked?.url]).toEqual(['GET', '/me'])
    expect(asked?.headers).toMatchObject({ authorization: `Bearer ${PAT}`, accept: 'application/json' })
    expect(audit.events.map(({ type }) => type)).toContain('credential.verified')
  })

  test('ends when a response header says so', async () => {
    json({}, 200, { 'x-ends': `${date} 00:00:00 UTC` })
    const { submit, stored } = await formWith({ expires: { header: 'X-Ends' } })
    await submit({ pat: PAT })
    expect(await stored()).toMatchObject({ labels: { expiresAt: inAMonth } })
  })

  test.each([
    ['204 without a body', () => (answer = (response) => void response.writeHead(204).end())],
    ['200 with a body that no option reads', () => (answer = (response) => void response.end('<p>hello</p>'))],
  ])('may be answered with %s', async (_, set) => {
    set()
    const { submit, stored } = await formWith({})
    await submit({ pat: PAT })
    expect(await stored()).toMatchObject({ status: 'active' })
  })

  test('is posted JSON if the check has any, with further headers', async () => {
    json({ data: { viewer: { name: 'Alice' } } })
    const { submit } = await formWith({ json: { query: '{ viewer { name } }' }, headers: { 'x-version': '3' } })
    await submit({ pat: PAT })
    expect(service.received.at(-1)).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-version': '3' },
    })
  })
})

describe('a verdict against it', () => {
  test.each<[number, string, Partial<HttpCheckOptions>]>([
    [401, 'Check that it was copied completely', {}],
    [403, 'lacks a permission', {}],
    [401, 'Make another one', { problems: { 401: 'Make another one.' } }],
    [404, 'No such workspace', { problems: { 404: 'No such workspace.' } }],
    [203, 'A sign-in page', { problems: { 203: 'A sign-in page.' } }],
  ])('%i shows: %s', async (status, text, check) => {
    json({ error: 'THE-BODY' }, status)
    const { submit, stored, audit } = await formWith(check)
    const page = await submit({ pat: PAT })
    expect(page.status).toBe(422)
    expect(page.html).toContain(text)
    expect(page.html).not.toContain('THE-BODY')
    expect(await stored()).toMatchObject({ status: 'absent' })
    expect(audit.events.at(-1)).toMatchObject({ type: 'credential.verification_failed', outcome: 'failure' })
  })

  test('is a 200 with a value that refuses', async () => {
    json({ ok: false, error: 'invalid_auth' })
    const { submit } = await formWith({ refuse: { '/error': ['invalid_auth'] }, expect: { '/ok': true } })
    expect((await submit({ pat: PAT })).status).toBe(422)
  })
})

describe('no verdict', () => {
  test.each<[string, number, Record<string, string>, boolean]>([
    ['429', 429, { 'retry-after': '7' }, true],
    ['500', 500, {}, true],
    ['503', 503, {}, true],
    ['404 at the address that the operator declared', 404, {}, false],
    ['410', 410, {}, false],
    ['202', 202, {}, false],
    ["403 of GitHub's limit", 403, { 'x-ratelimit-remaining': '0' }, true],
    ['403 with Retry-After', 403, { 'retry-after': '60' }, true],
  ])('%s answers 503 and saves nothing', async (_, status, headers, passing) => {
    json({}, status, headers)
    const { submit, stored, audit, warnings } = await formWith({})
    const page = await submit({ pat: PAT })
    expect(page.status).toBe(503)
    expect(page.html.includes('Try again in a moment')).toBe(passing)
    expect(page.html).not.toContain(PAT)
    expect(await stored()).toMatchObject({ status: 'absent' })
    expect(audit.events.at(-1)).toMatchObject({
      type: 'credential.verification_failed',
      outcome: 'error',
      reason: `status_${status}`,
    })
    expect(warnings.join()).toContain(`status ${status}`)
  })

  test('a 200 that is neither refusal nor what was expected', async () => {
    json({ ok: false, error: 'internal_error' })
    const { submit } = await formWith({ refuse: { '/error': ['invalid_auth'] }, expect: { '/ok': true } })
    expect((await submit({ pat: PAT })).status).toBe(503)
  })

  test('nothing listens there', async () => {
    const gone = await startService()
    await gone.close()
    form = await startLocalForm({
      variables,
      destinations: [{ origin: gone.origin, header: bearer }],
      verify: httpCheck({ url: `${gone.origin}/me` }),
    })
    const page = await form.submit({ pat: PAT })
    expect(page.status).toBe(503)
    expect(form.audit.events.at(-1)).toMatchObject({ outcome: 'error', reason: 'service_refused' })
  })
})

describe('options', () => {
  const provider = (check: unknown, destinations: unknown = [{ origin: 'https://a.example', header: bearer }]) =>
    new CredentialsProvider({ name: 'jira', variables, destinations, verify: check } as never)
  const site = { label: 'Site', type: 'url', allowedHosts: ['*.example.com'] } as const

  test.each<[string, unknown]>([
    ['another origin', { url: 'https://b.example/me' }],
    ['no URL', { url: 'me' }],
    ['a path that names a host', { url: '//b.example/me' }],
    ['another scheme', { url: 'file:///etc/passwd' }],
    ['a field that is no destination', { url: { fromField: 'pat', path: '/me' } }],
    ['a pointer without slash', { url: '/me', account: 'displayName' }],
    ['a status that says nothing', { url: '/me', problems: { 500: 'no' } }],
    ['a limit as a verdict', { url: '/me', problems: { 429: 'no' } }],
    ['an unknown option', { url: '/me', method: 'GET' }],
    ['a header with a line end', { url: '/me', headers: { a: 'b\r\nc: d' } }],
  ])('%s is refused when the provider is made', (_, check) => {
    expect(() => provider({ httpCheck: check })).toThrow(expect.objectContaining({ code: 'configuration_invalid' }))
  })

  test('a path alone needs one destination', () => {
    const two = ['https://a.example', 'https://b.example'].map((origin) => ({ origin, header: bearer }))
    expect(() => provider(httpCheck({ url: '/me' }), two)).toThrow(/exactly one destination/)
    expect(() => provider(httpCheck({ url: 'https://b.example/me' }), two)).not.toThrow()
    expect(() => provider('httpCheck')).toThrow(/verify: must be a function or what httpCheck/)
  })

  test('fields are checked by type', () => {
    const good = httpCheck({ url: { fromField: 'site', path: '/me' } })
    expectTypeOf(good.httpCheck).toEqualTypeOf<HttpCheckOptions<'site'>>()
    const destinations = [{ fromField: 'site', header: bearer }] as const
    new CredentialsProvider({ name: 'jira', variables: { ...variables, site }, destinations, verify: good })
    new CredentialsProvider({
      name: 'jira',
      variables: { ...variables, site },
      destinations,
      verify: httpCheck({ url: '/me' }),
    })
    // @ts-expect-error there is no such variable
    const wrong = () => new CredentialsProvider({ name: 'jira', variables, verify: good })
    expect(wrong).toThrow(/fromField/)
  })

  test.each(['https://github.com/settings/tokens', 'http://127.0.0.1:8080/tokens', 'http://localhost/x'])(
    'manageUrl may be %s',
    (manageUrl) => {
      expect(() => new CredentialsProvider({ name: 'jira', variables, manageUrl })).not.toThrow()
    },
  )

  test.each(['http://jira.example.com/x', 'javascript:alert(1)', '/settings', 'https://a:b@jira.example.com/', 7])(
    'manageUrl may not be %s',
    (manageUrl) => {
      expect(() => new CredentialsProvider({ name: 'jira', variables, manageUrl } as never)).toThrow(
        /manageUrl: must be/,
      )
    },
  )
})

test.each<[unknown, string | undefined]>([
  ['2030-01-31', '2030-01-31T00:00:00.000Z'],
  ['2030-01-31 10:20:30 UTC', '2030-01-31T10:20:30.000Z'],
  ['2030-01-31 10:20:30 +0200', '2030-01-31T08:20:30.000Z'],
  ['2030-01-31T10:20:30.123456-05:00', '2030-01-31T15:20:30.000Z'],
  ['2030-01-31T10:20:30', '2030-01-31T10:20:30.000Z'],
  [1896000000, '2030-01-30T10:40:00.000Z'],
  ['1896000000000', '2030-01-30T10:40:00.000Z'],
  ['2020-01-31', undefined],
  ['2030-02-41', undefined],
  ['never', undefined],
  ['', undefined],
  [null, undefined],
  [Number.POSITIVE_INFINITY, undefined],
  [{}, undefined],
])('the end %j is read as %s', (given, read) => {
  expect(readExpiry(given, Date.UTC(2026, 10, 27))?.toISOString()).toBe(read)
})

test.each<[string, unknown]>([
  ['/a/0/b', 1],
  ['/a/00/b', undefined],
  ['/a/-', undefined],
  ['/a/length', undefined],
  ['/constructor', undefined],
  ['/__proto__/x', 2],
  ['/c/d', undefined],
  ['/', 3],
])('the pointer %s names %j', (pointer, value) => {
  expect(valueAt(JSON.parse('{"a":[{"b":1}],"__proto__":{"x":2},"c":null,"":3}'), pointer)).toBe(value)
})
