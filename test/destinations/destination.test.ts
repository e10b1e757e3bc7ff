import { expect, test } from 'vitest'
import { defineVariables } from '../../src/core/model/variables.ts'
import { type DestinationOptions, defineDestinations } from '../../src/destinations/destination.ts'

const variables = defineVariables({
  pat: { label: 'Token', type: 'password' },
  base_url: { label: 'Site', type: 'url', allowedHosts: ['*.example.com', 'http://jira.internal:8080'] },
  any_url: { label: 'Any site', type: 'url' },
  user: { label: 'User' },
})
const header = { scheme: 'Bearer', field: 'pat' } as const

function define(...options: unknown[]) {
  return defineDestinations(options as DestinationOptions[], variables)
}

test('a destination has an origin or a field, a header, and a word for people', () => {
  const [fixed, entered] = define(
    { origin: 'https://Jira.example.com:443/', header },
    { fromField: 'base_url', header },
  )
  expect(fixed?.description).toBe('https://jira.example.com')
  expect(fixed?.origin({})).toBe('https://jira.example.com')
  expect(fixed?.allowPrivateAddresses).toBe(true)
  expect(entered?.description).toBe('Site')
  expect(entered?.allowPrivateAddresses).toBe(false)
})

test.each([
  ['https://jira.example.com/browse/', 'https://jira.example.com'],
  ['http://jira.internal:8080', 'http://jira.internal:8080'],
  ['http://jira.example.com', undefined],
  ['https://evil.test', undefined],
  ['https://jira.example.com:444', undefined],
  ['https://user@jira.example.com', undefined],
  ['https://jira.example.com.evil.test', undefined],
  ['ftp://jira.example.com', undefined],
  ['jira.example.com', undefined],
])('the value %s of a field names the origin %s', (base_url, origin) => {
  expect(define({ fromField: 'base_url', header })[0]?.origin({ base_url })).toBe(origin)
})

test('a field that is not filled in names no origin', () => {
  expect(define({ fromField: 'base_url', header })[0]?.origin({})).toBeUndefined()
})

test.each<[string, unknown, RegExp]>([
  ['a path', { origin: 'https://a.test/path', header }, /destinations\[0\]\.origin/],
  ['a query', { origin: 'https://a.test/?x', header }, /destinations\[0\]\.origin/],
  ['userinfo', { origin: 'https://u:p@a.test', header }, /destinations\[0\]\.origin/],
  ['another scheme', { origin: 'ftp://a.test', header }, /destinations\[0\]\.origin/],
  ['no target', { header }, /destinations\[0\]: needs either origin or fromField/],
  ['two targets', { origin: 'https://a.test', fromField: 'base_url', header }, /destinations\[0\]: needs either/],
  ['a field that is no URL', { fromField: 'user', header }, /destinations\[0\]\.fromField: .*type url/],
  ['a field that is no variable', { fromField: 'nothing', header }, /destinations\[0\]\.fromField/],
  [
    'a URL field without allowedHosts',
    { fromField: 'any_url', header },
    /destinations\[0\]\.fromField: .*allowedHosts/,
  ],
  ['no header', { origin: 'https://a.test' }, /destinations\[0\]\.header/],
  ['an unknown scheme', { origin: 'https://a.test', header: { scheme: 'Digest', field: 'pat' } }, /header: must be/],
  ['a header of HTTP itself', { origin: 'https://a.test', header: { name: 'Host', field: 'pat' } }, /header/],
  ['a header name with a line end', { origin: 'https://a.test', header: { name: 'A\r\nB', field: 'pat' } }, /header/],
  [
    'a prefix with a line end',
    { origin: 'https://a.test', header: { name: 'A', field: 'pat', prefix: '\n' } },
    /header/,
  ],
  [
    'a header from no variable',
    { origin: 'https://a.test', header: { name: 'A', field: 'nope' } },
    /header: names a field/,
  ],
  ['no headers', { origin: 'https://a.test', header: [] }, /header/],
  [
    'a header twice',
    { origin: 'https://a.test', header: [header, { name: 'Authorization', field: 'pat' }] },
    /destinations\[0\]\.header: names a header twice/,
  ],
  [
    'a second header from no variable',
    { origin: 'https://a.test', header: [header, { name: 'A', field: 'nope' }] },
    /header: names a field/,
  ],
  [
    'an option that does not exist',
    { origin: 'https://a.test', header, allowPrivate: true },
    /allowPrivate: there is no/,
  ],
])('%s is refused by its path', (_, options, message) => {
  expect(() => define(options)).toThrow(message)
  expect(() => define(options)).toThrow(expect.objectContaining({ code: 'configuration_invalid' }))
})

test('a destination twice is refused', () => {
  const one = { origin: 'https://a.test', header }
  expect(() => define(one, { ...one, origin: 'https://A.test:443' })).toThrow(/destinations\[1\]: .*twice/)
})
