import { afterEach, expect, test } from 'vitest'
import { defineVariables, type VariablesOptions } from '../../../src/core/model/variables.ts'
import { type DestinationOptions, defineDestinations } from '../../../src/destinations/destination.ts'
import { providerForm, type Verify } from '../../../src/vault/provider/provider-form.ts'
import {
  type FormServer,
  GOOD_VALUES,
  JIRA_VARIABLES,
  type Link,
  PAT,
  startFormServer,
} from '../../harness/browser/form-server.ts'
import { type Visitor, visitorOf } from '../../harness/browser/visitor.ts'
import { bearer, startService } from '../../harness/http-service.ts'

let server: FormServer
const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await server.close()
  for (const end of endings.splice(0)) await end()
})

interface Given {
  readonly verify?: Verify
  readonly destinations?: readonly DestinationOptions[]
  readonly variables?: VariablesOptions
}

/** The form of a provider as its operator has defined it, and Alice signed in there. */
async function formOf(given: Given): Promise<{ alice: Visitor; link: Link }> {
  const options = given.variables ?? JIRA_VARIABLES
  const variables = defineVariables(options)
  const destinations = defineDestinations(given.destinations ?? [], variables)
  const { verify, fieldProblems } = providerForm(
    { name: 'jira', label: 'Jira', variables, destinations, verify: given.verify },
    {},
  )
  server = await startFormServer({ variables: options, provider: { verify, ...(fieldProblems && { fieldProblems }) } })
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  await alice.signIn('alice', link)
  return { alice, link }
}

const destination = { origin: 'https://jira.example.com', header: bearer } as const
const lastLine = () => server.audit.events.at(-1)
const INVISIBLE = [
  ['U+200B inside', 'tok\u200ben-of-some-length'],
  ['U+200B at the end', 'token-of-some-length\u200b'],
  ['U+2060', 'token\u2060-of-some-length'],
  ['typographic quotes', '\u201ctoken-of-some-length\u201d'],
] as const

test.each(INVISIBLE)(
  'F2: a value with %s that would go into a header is refused at entry, by its field',
  async (_, pat) => {
    let asked = 0
    const verify: Verify = async () => {
      asked += 1
      return { ok: true }
    }
    const { alice, link } = await formOf({ destinations: [destination], verify })
    const refused = await alice.submit(link, { ...GOOD_VALUES, pat })
    expect(refused.status).toBe(422)
    expect(refused.text).toContain('href="#field-pat"')
    expect(refused.text).toContain('Personal access token: this contains a character that cannot be sent')
    expect(refused.text).not.toContain('of-some-length')
    expect(lastLine()).toMatchObject({ type: 'form.rejected', reason: 'invalid' })
    expect([asked, await server.stored('alice')]).toEqual([0, 'absent'])
    expect((await alice.submit(link, { ...GOOD_VALUES, note: pat })).status).toBe(303)
  },
)

test('F2: a colon in a name of HTTP Basic is refused at entry, and other scripts in it are not', async () => {
  const variables = { user: { label: 'User' }, pat: { label: 'Token', type: 'password' } } as const
  const header = { scheme: 'Basic', user: { field: 'user' }, password: { field: 'pat' } } as const
  const { alice, link } = await formOf({ variables, destinations: [{ origin: 'https://jira.example.com', header }] })
  const refused = await alice.submit(link, { user: 'a:b', pat: 'x:y' })
  expect(refused.status).toBe(422)
  expect(refused.text).toContain('User: this must not contain a colon')
  expect((await alice.submit(link, { user: 'Änne', pat: 'x:ы' })).status).toBe(303)
})

test.each(INVISIBLE)('F2: a verify that throws because of a value with %s is no outage', async (_, pat) => {
  const service = await startService()
  endings.push(service.close)
  const { alice, link } = await formOf({
    async verify(values) {
      const { ok } = await fetch(service.origin, { headers: { authorization: `Bearer ${values['pat']}` } })
      return ok ? { ok: true } : { ok: false, problem: 'no' }
    },
  })
  const refused = await alice.submit(link, { ...GOOD_VALUES, pat })
  expect(refused.status).toBe(422)
  expect(refused.text).toContain('href="#field-pat"')
  expect(refused.text).not.toContain('Try again in a moment')
  expect(lastLine()).toMatchObject({
    type: 'credential.verification_failed',
    outcome: 'failure',
    reason: 'header_value',
  })
  expect(server.warnings.join()).not.toContain('of-some-length')
  expect((await alice.submit(link, GOOD_VALUES)).status).toBe(303)
})

test('F13: the operator reads what verify said, with the correlation id; the user is not told to try for ever', async () => {
  const { alice, link } = await formOf({
    async verify() {
      throw new Error('It answered 404', {
        cause: Object.assign(new Error('no\nsuch \u001b[31mthing'), { code: 'E_X' }),
      })
    },
  })
  const failed = await alice.submit(link, GOOD_VALUES)
  expect(failed.status).toBe(503)
  expect(failed.text).toContain('This credential could not be checked with Jira.')
  expect(failed.text).toContain('tell the people who run this server')
  expect(failed.text).not.toContain('It answered')
  const line = lastLine()
  expect(line).toMatchObject({ type: 'credential.verification_failed', outcome: 'error', reason: 'unexpected' })
  expect(failed.text).toContain(`Reference: ${line?.correlationId}`)
  expect(server.warnings).toEqual([
    `jira: verify failed: Error: It answered 404, because of Error: no such \\u001b[31mthing (E_X) (unexpected, correlation id ${line?.correlationId})`,
  ])
  expect(await server.stored('alice')).toBe('absent')
})

test.each<[string, (pat: string) => unknown]>([
  ['the message', (pat) => new Error(`cannot use ${pat}`)],
  ['a part in the message', (pat) => new Error(`cannot use ${pat.slice(0, 14)}…`)],
  ['base64 of it', (pat) => new Error(`Basic ${Buffer.from(`x:${pat}`).toString('base64')}`)],
  ['the cause', (pat) => new Error('failed', { cause: new Error(pat) })],
  ['the code', (pat) => Object.assign(new Error('failed'), { code: pat })],
  ['the name', (pat) => Object.assign(new Error('failed'), { name: pat })],
  ['an object that is no error', (pat) => ({ message: pat })],
  ['a text', (pat) => pat],
])('F13: a secret in %s of what verify throws reaches neither the operator nor the page', async (_, thrown) => {
  const { alice, link } = await formOf({
    verify: async ({ pat }) => {
      throw thrown(String(pat))
    },
  })
  const failed = await alice.submit(link, GOOD_VALUES)
  expect(failed.status).toBe(503)
  expect(server.warnings).toHaveLength(1)
  for (const shown of [failed.text, server.warnings[0], JSON.stringify(server.audit.events)]) {
    expect(shown).not.toContain(PAT.slice(0, 12))
    expect(shown).not.toContain(Buffer.from(`x:${PAT}`).toString('base64').slice(4, 20))
  }
})

test('F13: a verify that throws at once, and not as a promise, is heard too', async () => {
  const verify = (() => {
    throw new Error('not ready')
  }) as unknown as Verify
  const { alice, link } = await formOf({ verify })
  expect((await alice.submit(link, GOOD_VALUES)).status).toBe(503)
  expect(server.warnings[0]).toContain('not ready')
})

test('F13: an outage of the service is told as one, with its kind for the operator', async () => {
  const service = await startService()
  await service.close()
  const { alice, link } = await formOf({
    async verify(_, signal) {
      await fetch(service.origin, { signal })
      return { ok: true }
    },
  })
  const failed = await alice.submit(link, GOOD_VALUES)
  expect(failed.status).toBe(503)
  expect(failed.text).toContain('Try again in a moment')
  expect(lastLine()).toMatchObject({ outcome: 'error', reason: 'service_refused' })
  expect(server.warnings[0]).toContain('service_refused')
})
