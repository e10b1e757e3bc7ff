import { afterAll, beforeAll, expect, test } from 'vitest'
import type { BoundFetch } from '../../../src/destinations/bound-fetch.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../../harness/http-service.ts'

// A tool is talked into sending the credential somewhere else.
let service: HttpService
let elsewhere: HttpService
let bound: BoundFetch

beforeAll(async () => {
  service = await startService()
  elsewhere = await startService()
  bound = fetchTo([{ origin: service.origin, header: bearer }])
})
afterAll(async () => {
  await bound.close()
  await service.close()
  await elsewhere.close()
})

test.each<[string, (port: number, other: number) => string]>([
  ['another port', (_, other) => `http://127.0.0.1:${other}/`],
  ['another name of the same machine', (port) => `http://localhost:${port}/`],
  ['another address of the same machine', (port) => `http://127.0.0.2:${port}/`],
  ['another scheme', (port) => `https://127.0.0.1:${port}/`],
  ['a longer name', (port) => `http://127.0.0.1.evil.test:${port}/`],
  ['a name that ends in a dot', (port) => `http://localhost.:${port}/`],
  ['the origin in the path', (port, other) => `http://127.0.0.1:${other}/http://127.0.0.1:${port}`],
  ['the origin in the fragment', (port, other) => `http://127.0.0.1:${other}#@127.0.0.1:${port}`],
  ['a backslash', (port, other) => `http://127.0.0.1:${other}\\@127.0.0.1:${port}/`],
  ['a file', () => 'file:///etc/passwd'],
  ['a data URL', () => 'data:text/plain,hello'],
  ['a blob', (port) => `blob:http://127.0.0.1:${port}/x`],
  ['a relative URL', () => 'rest/api'],
  ['a URL without a scheme', (port) => `//127.0.0.1:${port}/`],
  ['a URL without a scheme, with a backslash', (port) => `/\\127.0.0.1:${port}/`],
  ['nothing', () => ''],
])('%s is refused, and nothing is sent', async (_, url) => {
  const error = await bound.fetch({ pat: PAT }, url(service.port, elsewhere.port)).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'destination_refused' })
  expect(String(error)).not.toMatch(/127\.0\.0|evil|marker/)
  expect(elsewhere.received).toEqual([])
  expect(service.received).toEqual([])
})

test('a URL object that changes after it was checked leads nowhere else', async () => {
  const answers = [`${service.origin}/`, `${elsewhere.origin}/`]
  const url = new URL(service.origin)
  const shifty = () => answers.shift() ?? `${elsewhere.origin}/`
  Object.defineProperty(url, 'href', { get: shifty })
  Object.defineProperty(url, 'toString', { value: shifty })
  await bound.fetch({ pat: PAT }, url)
  expect(elsewhere.received).toEqual([])
})

test('a value that is only inherited is none of the credential', async () => {
  const values = Object.create({ pat: PAT }) as Record<string, string>
  await expect(bound.fetch(values, service.origin)).rejects.toMatchObject({ code: 'credential_malformed' })
})
