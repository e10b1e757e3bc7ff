import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminHarness, SCIM_TOKEN, startAdminHarness } from '../harness/admin-api.ts'

let harness: AdminHarness
beforeEach(async () => {
  harness = await startAdminHarness()
})
afterEach(() => harness.close())

const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const newUser = { schemas: [USER], userName: 'alice@example.com', externalId: 'alice', active: true }
const find = (filter: string) => harness.scim('GET', `Users?filter=${encodeURIComponent(filter)}`)

async function idOf(externalId: string): Promise<string> {
  const { status, body } = await harness.scim('POST', 'Users', { body: { ...newUser, externalId } })
  expect(status).toBe(201)
  return body.id
}

test('Entra ID: test of the connection, creation, attribute updates, disabling', async () => {
  // Its test of the connection looks a random user up and wants an empty list.
  const nobody = await find('userName eq "1f0f8a4e-3a0f-4b1e-8a53-0f6d0d2f3f10"')
  expect([nobody.status, nobody.body.totalResults, nobody.body.Resources]).toEqual([200, 0, []])
  expect(nobody.headers.get('content-type')).toContain('application/scim+json')
  const created = await harness.scim('POST', 'Users', { body: newUser })
  expect(created).toMatchObject({
    status: 201,
    body: { userName: 'alice@example.com', externalId: 'alice', active: true },
  })
  expect(created.headers.get('location')).toBe(created.body.meta.location)
  await harness.store('jira', 'alice')
  const user = `Users/${created.body.id}`
  const rename = [{ op: 'Replace', path: 'displayName', value: 'Alice' }]
  expect((await harness.scim('PATCH', user, { body: { schemas: [PATCH], Operations: rename } })).status).toBe(200)
  expect(await harness.status('jira', 'alice')).toBe('active')
  const disable = [{ op: 'Replace', path: 'active', value: 'False' }]
  const disabled = await harness.scim('PATCH', user, { body: { schemas: [PATCH], Operations: disable } })
  expect(disabled).toMatchObject({ status: 200, body: { id: created.body.id, active: false } })
  expect(await harness.status('jira', 'alice')).toBe('revoked')
  expect(harness.audit.events.find(({ type }) => type === 'admin.offboarded')).toMatchObject({
    owner: harness.owner('alice'),
    actor: { kind: 'operator', account: 'scim' },
  })
})

test('Okta: look-up, creation, and deactivation by PATCH without a path and by PUT', async () => {
  expect((await harness.scim('GET', 'Users?startIndex=1&count=2')).body.totalResults).toBe(0)
  const id = await idOf('00u1')
  await harness.store('jira', '00u1')
  const patch = { schemas: [PATCH], Operations: [{ op: 'replace', value: { active: false } }] }
  expect(await harness.scim('PATCH', `Users/${id}`, { body: patch })).toMatchObject({
    status: 200,
    body: { active: false },
  })
  expect(await harness.status('jira', '00u1')).toBe('revoked')
  await harness.store('jira', '00u1')
  const put = { ...newUser, id, externalId: '00u1', active: false }
  const headers = { 'content-type': 'application/scim+json; charset=utf-8' }
  expect(await harness.scim('PUT', `Users/${id}`, { body: put, headers })).toMatchObject({
    status: 200,
    body: { active: false },
  })
  expect(await harness.status('jira', '00u1')).toBe('revoked')
})

describe('forms of deactivation', () => {
  const forms: Readonly<Record<string, unknown>> = {
    'a boolean': [{ op: 'replace', path: 'active', value: false }],
    'the text false': [{ op: 'replace', path: 'active', value: 'false' }],
    'Entra, add': [{ op: 'Add', path: 'active', value: 'False' }],
    'no path, text': [{ op: 'Replace', value: { active: 'False' } }],
    'no path, other attributes too': [{ op: 'replace', value: { displayName: 'A', active: false } }],
    'the whole urn': [{ op: 'replace', path: `${USER}:active`, value: false }],
    'another case': [{ OP: 'REPLACE', Path: 'Active', Value: false }],
    'second of two': [
      { op: 'replace', path: 'displayName', value: 'A' },
      { op: 'replace', path: 'active', value: false },
    ],
    'an object as the value': [{ op: 'replace', path: 'active', value: { active: false } }],
    'twice, with different answers': [{ op: 'replace', value: { active: false, ACTIVE: true } }],
  }

  test('each of them offboards', async () => {
    const id = await idOf('alice')
    for (const [name, Operations] of Object.entries(forms)) {
      await harness.store('jira', 'alice')
      const { status, body } = await harness.scim('PATCH', `Users/${id}`, { body: { schemas: [PATCH], Operations } })
      expect([status, body.active], name).toEqual([200, false])
      expect(await harness.status('jira', 'alice'), name).toBe('revoked')
    }
  })

  test('what says nothing about a boolean is refused, and never taken for "unchanged"', async () => {
    const id = await idOf('alice')
    await harness.store('jira', 'alice')
    for (const value of ['no', 0, null, [], ['False'], {}, undefined]) {
      const Operations = [{ op: 'replace', path: 'active', value }]
      const { status, body } = await harness.scim('PATCH', `Users/${id}`, { body: { Operations } })
      expect([status, body.scimType, body.status], JSON.stringify(value)).toEqual([400, 'invalidValue', '400'])
    }
    for (const body of [{}, { Operations: 'x' }, { Operations: [] }, { Operations: [{ op: 'delete' }] }, []]) {
      expect((await harness.scim('PATCH', `Users/${id}`, { body })).status).toBe(400)
    }
    expect(await harness.status('jira', 'alice')).toBe('active')
  })

  test('DELETE, and POST of a user who is inactive', async () => {
    const id = await idOf('alice')
    await harness.store('jira', 'alice')
    expect((await harness.scim('DELETE', `Users/${id}`)).status).toBe(204)
    expect(await harness.status('jira', 'alice')).toBe('revoked')
    await harness.store('jira', 'bob')
    const body = { ...newUser, externalId: 'bob', active: false }
    expect((await harness.scim('POST', 'Users', { body })).status).toBe(201)
    expect(await harness.status('jira', 'bob')).toBe('revoked')
  })
})

test('a user is found by the attribute that is the subject, if something of theirs is stored', async () => {
  await harness.store('jira', 'a"b\\c')
  const filter = `externalId eq ${JSON.stringify('a"b\\c')}`
  const { body } = await find(filter)
  expect(body).toMatchObject({ totalResults: 1, Resources: [{ externalId: 'a"b\\c', active: true }] })
  // The same id each time, since nothing is stored.
  expect((await find(filter)).body.Resources[0].id).toBe(body.Resources[0].id)
  expect(body.Resources[0].id).toBe(await idOf('a"b\\c'))
  expect(await harness.scim('GET', `Users/${body.Resources[0].id}`)).toMatchObject({
    status: 200,
    body: { externalId: 'a"b\\c', id: body.Resources[0].id },
  })
  expect((await find('externalId eq "carol"')).body.totalResults).toBe(0)
})

test('the documents that describe the service', async () => {
  expect((await harness.scim('GET', 'ServiceProviderConfig')).body).toMatchObject({ patch: { supported: true } })
  expect((await harness.scim('GET', 'ResourceTypes')).body.Resources[0]).toMatchObject({ endpoint: '/Users' })
  expect((await harness.scim('GET', 'Schemas')).body.Resources[0]).toMatchObject({ id: USER })
  expect((await harness.scim('GET', `Schemas/${USER}`)).status).toBe(200)
  expect((await harness.scim('GET', 'Groups')).body.totalResults).toBe(0)
  expect(SCIM_TOKEN.length).toBeGreaterThan(31)
})
