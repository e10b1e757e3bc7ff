import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AdminHarness, startAdminHarness } from '../../harness/admin-api.ts'

let harness: AdminHarness
beforeAll(async () => {
  harness = await startAdminHarness()
  await harness.store('jira', 'alice')
})
afterAll(() => harness.close())

const FILTERS = [
  'externalId eq "alice" or externalId eq "bob"',
  'externalId eq "x" or "a" eq "a"',
  'externalId eq "alice" and active eq true',
  'not (externalId eq "x")',
  'externalId ne "x"',
  'externalId sw ""',
  'externalId pr',
  'externalId eq alice',
  'externalId eq "alice',
  'externalId eq "alice""',
  'externalId eq "\\u00"',
  'externalId eq "a\nb"',
  'issuer eq "https://other.example.com"',
  '__proto__ eq "x"',
  'emails[type eq "work"].value eq "alice"',
  `externalId eq "${'x'.repeat(2000)}"`,
  '',
]

test('only the two plain comparisons are filters; everything else is an error and finds nobody', async () => {
  for (const filter of FILTERS) {
    const { status, body } = await harness.scim('GET', `Users?filter=${encodeURIComponent(filter)}`)
    expect([status, body.scimType], filter).toEqual([400, 'invalidFilter'])
    expect(body.Resources).toBeUndefined()
  }
  expect(
    (await harness.scim('GET', 'Users?filter=externalId%20eq%20%22a%22&filter=externalId%20eq%20%22b%22')).status,
  ).toBe(400)
})

test('a value is compared, never interpreted: wildcards, paths and encodings find nobody', async () => {
  for (const value of [
    '*',
    'al*',
    '%',
    '../alice',
    'jira/alice',
    'ALICE',
    'alice ',
    'alice\u0000',
    '\ud800',
    'x'.repeat(300),
  ]) {
    const filter = `externalId eq ${JSON.stringify(value)}`
    const { status, body } = await harness.scim('GET', `Users?filter=${encodeURIComponent(filter)}`)
    expect([status, body.totalResults], JSON.stringify(value)).toEqual([200, 0])
  }
})
