import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FormServer, startFormServer } from '../../harness/browser/form-server.ts'
import { headingOf, visitorOf } from '../../harness/browser/visitor.ts'

let server: FormServer
let withoutClaim: FormServer

beforeAll(async () => {
  server = await startFormServer()
  withoutClaim = await startFormServer({ oidc: { subjectClaim: 'employee_number' } })
})
afterAll(async () => {
  await withoutClaim.close()
  await server.close()
})

const REFERENCE = /Reference for the people who run this server: <code>([0-9a-f-]{36})<\/code>/

test('an ID token without the claim that names the user: log, audit and page lead to the same line', async () => {
  const link = await withoutClaim.ask('alice')
  const page = await visitorOf(withoutClaim).signIn('alice', link)
  expect(page.status).toBe(400)
  expect(headingOf(page.text)).toBe('The sign-in failed')
  expect(page.text).toContain('Trying again is unlikely to help')
  const reference = REFERENCE.exec(page.text)?.[1]
  expect(withoutClaim.audit.events.at(-1)).toMatchObject({
    type: 'login.failed',
    reason: 'subject_missing',
    correlationId: reference,
  })
  expect(withoutClaim.errors.map(({ message }) => message)).toEqual([
    expect.stringMatching(
      new RegExp(`^A sign-in failed: subject_missing, reference ${reference}\\. .*idTokenSubjectClaim`),
    ),
  ])
})

test('what another try may put right asks for one, and is no news for the operator', async () => {
  const link = await server.ask('alice')
  const alice = visitorOf(server)
  const callback = await alice.signInUpToCallback('alice', link)
  const page = await alice.get(callback.replace(/code=[^&]+/, 'code=made-up'))
  expect(headingOf(page.text)).toBe('The sign-in failed')
  expect(page.text).not.toContain('unlikely')
  expect(REFERENCE.exec(page.text)?.[1]).toBe(server.audit.events.at(-1)?.correlationId)
  expect(server.audit.events.at(-1)).toMatchObject({ type: 'login.failed', reason: 'replayed_code' })
  expect(server.errors).toEqual([])
})
