import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HeaderOptions } from '../../../src/destinations/credential-header.ts'
import { bearer, fetchTo, type HttpService, PAT, startService } from '../../harness/http-service.ts'

// A value, or a tool, tries to write a header of its own.
let service: HttpService

beforeAll(async () => {
  service = await startService()
})
afterAll(() => service.close())

async function attempt(header: HeaderOptions, values: Record<string, string>, init?: RequestInit): Promise<unknown> {
  const bound = fetchTo([{ origin: service.origin, header }], {
    variables: { pat: { label: 'Token' }, user: { label: 'User' } },
  })
  try {
    return await bound.fetch(values, service.origin, init).catch((thrown: unknown) => thrown)
  } finally {
    await bound.close()
  }
}

const headers: readonly HeaderOptions[] = [
  bearer,
  { name: 'PRIVATE-TOKEN', field: 'pat' },
  { scheme: 'Basic', user: { field: 'user' }, password: { field: 'pat' } },
]

test.each([
  ['CR LF', `${PAT}\r\nx-admin: 1`],
  ['LF', `${PAT}\nx-admin: 1`],
  ['CR', `${PAT}\rx-admin: 1`],
  ['NUL', `${PAT}\0`],
  ['a line end at the end', `${PAT}\n`],
  ['escape', `${PAT}\u001b[31m`],
])('a value with %s is refused before anything is sent', async (_, pat) => {
  for (const header of headers) {
    const error = await attempt(header, { pat, user: 'ann' })
    expect(error).toMatchObject({ code: 'credential_malformed', reason: 'header_value' })
    expect(inspect(error, { depth: 9 })).not.toContain('marker')
  }
  expect(service.received).toEqual([])
})

test.each(['\u010a', '\u{1f511}', '\u2028', '\ufeff'])('a value beyond latin-1 is refused: %j', async (character) => {
  expect(await attempt(bearer, { pat: PAT + character })).toMatchObject({ reason: 'header_value' })
  expect(service.received).toEqual([])
})

test('an absent or empty value is refused: no request goes out without its credential', async () => {
  for (const header of headers) {
    expect(await attempt(header, { user: 'ann' })).toMatchObject({ reason: 'field_missing' })
    expect(await attempt(header, { pat: '', user: 'ann' })).toMatchObject({ reason: 'field_missing' })
  }
  expect(service.received).toEqual([])
})

test('a colon in the name cannot move text into the password', async () => {
  const header = { scheme: 'Basic', user: { field: 'user' }, password: { field: 'pat' } } as const
  expect(await attempt(header, { pat: PAT, user: 'ann:x' })).toMatchObject({ reason: 'colon' })
  expect(service.received).toEqual([])
})

test.each<[string, RequestInit['headers']]>([
  ['the same header', { Authorization: 'Bearer other' }],
  ['the same header in other letters', [['aUTHORIZATION', 'x']]],
  ['an empty one', new Headers({ authorization: '' })],
  ['the host', { Host: 'other.example.com' }],
])('a tool that sets %s is refused', async (_, given) => {
  const error = await attempt(bearer, { pat: PAT }, { headers: given ?? {} })
  expect(error).toMatchObject({ code: 'destination_refused', reason: 'header' })
  expect(service.received).toEqual([])
})

test.each<[string, RequestInit]>([
  ['a header value', { headers: { 'x-a': `${PAT}\r\nx-admin: 1` } }],
  ['a header name', { headers: { [`${PAT}\r\n`]: '1' } }],
  ['a method', { method: `${PAT} /other HTTP/1.1\r\n` }],
  ['a method that echoes', { method: 'TRACE' }],
  ['a tunnel', { method: 'CONNECT' }],
  ['a body where there is none', { method: 'GET', body: PAT }],
])('an invalid request by %s is refused without quoting it', async (_, init) => {
  const error = await attempt(bearer, { pat: PAT }, init)
  expect(error).toMatchObject({ code: 'destination_refused', reason: 'request' })
  expect(inspect(error, { depth: 9 })).not.toContain('marker')
  expect(service.received).toEqual([])
})
