import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BoundFetch } from '../../../src/destinations/bound-fetch.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../../harness/http-service.ts'

// The service, or an open redirect in it, sends the credential on.
let service: HttpService
let elsewhere: HttpService
let bound: BoundFetch

beforeAll(async () => {
  elsewhere = await startService()
  service = await startService((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://base')
    const to = searchParams.get('to')
    if (to !== null) response.writeHead(Number(searchParams.get('status') ?? 302), { location: to })
    response.end()
  })
  bound = fetchTo([{ origin: service.origin, header: bearer }])
})
afterAll(async () => {
  await bound.close()
  await service.close()
  await elsewhere.close()
})

async function follow(to: string, status = 302, init: RequestInit = {}): Promise<unknown> {
  const url = new URL(service.origin)
  url.searchParams.set('to', to)
  url.searchParams.set('status', String(status))
  return bound.fetch({ pat: PAT }, url, init).catch((thrown: unknown) => thrown)
}

test.each([301, 302, 303, 307, 308])(
  'a %d to another origin is an error, and the other origin hears nothing',
  async (status) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT']) {
      const error = await follow(`${elsewhere.origin}/`, status, { method })
      expect(error).toMatchObject({ code: 'destination_refused', reason: 'redirect' })
      expect(String(error)).not.toContain(String(elsewhere.port))
    }
    expect(elsewhere.received).toEqual([])
  },
)

test.each<[string, () => string]>([
  ['without a scheme', () => `//127.0.0.1:${elsewhere.port}/`],
  ['with backslashes', () => `\\\\127.0.0.1:${elsewhere.port}\\`],
  ['to another name of the same server', () => `http://localhost:${service.port}/`],
  ['to another scheme', () => service.origin.replace('http', 'https')],
  ['with a user name', () => service.origin.replace('//', '//user:password@')],
  ['to a file', () => 'file:///etc/passwd'],
  ['to a script', () => 'javascript:alert(1)'],
  ['to nowhere', () => 'http://['],
])('a redirect %s is an error', async (_, to) => {
  expect(await follow(to())).toMatchObject({ code: 'destination_refused', reason: 'redirect' })
  expect(elsewhere.received).toEqual([])
})

test('the second hop is checked like the first', async () => {
  const second = `/?to=${encodeURIComponent(elsewhere.origin)}`
  expect(await follow(second)).toMatchObject({ code: 'destination_refused', reason: 'redirect' })
  expect(elsewhere.received).toEqual([])
})
