import { expect, test } from 'vitest'
import { stateOf } from '../../../src/core/lifecycle/state-of.ts'
import { checkExpiryDate, expiryOf, lastDayOf } from '../../../src/core/model/expiry.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { CredentialStatus, VersionRef } from '../../../src/core/ports/secret-backend.ts'

const NOW = Date.parse('2026-11-27T12:00:00Z')
const day = (text: string) => new Date(`${text}T23:59:59Z`)

test.each([
  ['2026-11-27', { ok: true, expiresAt: day('2026-11-27') }],
  [' 2027-02-28 ', { ok: true, expiresAt: day('2027-02-28') }],
  ['2026-11-26', { ok: false, problem: 'past' }],
  ['2027-02-31', { ok: false, problem: 'not_a_date' }],
  ['27.11.2027', { ok: false, problem: 'not_a_date' }],
  ['2027-3-1', { ok: false, problem: 'not_a_date' }],
  ['+012027-03-01', { ok: false, problem: 'not_a_date' }],
  ['', { ok: true, expiresAt: undefined }],
] as const)('the optional date "%s" is %j', (typed, answer) => {
  expect(checkExpiryDate({ date: 'optional', maxAgeDays: undefined }, typed, NOW)).toEqual(answer)
})

test.each([
  ['2027-03-31T00:00:00Z', '2027-03-30'],
  ['2027-03-31T00:00:00.001Z', '2027-03-31'],
  ['2027-03-31T10:30:00Z', '2027-03-31'],
  ['2027-03-31T23:59:59Z', '2027-03-31'],
])('what ends at %s works until %s', (end, last) => {
  expect(lastDayOf(new Date(end)).toISOString().slice(0, 10)).toBe(last)
})

test('a required date is missed, and one beyond the longest life is refused', () => {
  const policy = { date: 'required', maxAgeDays: 30 } as const
  expect(checkExpiryDate(policy, ' ', NOW)).toEqual({ ok: false, problem: 'missing' })
  expect(checkExpiryDate(policy, '2026-12-27', NOW)).toMatchObject({ ok: true })
  expect(checkExpiryDate(policy, '2026-12-29', NOW)).toEqual({ ok: false, problem: 'too_far' })
})

test('the service counts more than its user, and neither outlives the longest life', () => {
  const said = { service: day('2026-12-05'), user: day('2027-01-05') }
  const free = { date: 'optional', maxAgeDays: undefined } as const
  expect(expiryOf(free, said, NOW)).toEqual(day('2026-12-05'))
  expect(expiryOf(free, { ...said, service: undefined }, NOW)).toEqual(day('2027-01-05'))
  expect(expiryOf(free, { service: undefined, user: undefined }, NOW)).toBeUndefined()
  const short = { date: 'none', maxAgeDays: 2 } as const
  expect(expiryOf(short, said, NOW)).toEqual(new Date(NOW + 2 * 86_400_000))
  expect(expiryOf(short, { service: undefined, user: undefined }, NOW)).toEqual(new Date(NOW + 2 * 86_400_000))
})

const variables = defineVariables(
  {
    pat: { label: 'Token', type: 'password' },
    site: { label: 'Site', type: 'string' },
    note: { label: 'Note', type: 'string', required: false },
  },
  'variables',
)
const version = { ref: 'v1' as VersionRef, label: '1', createdAt: new Date(NOW) }
const active = (more: Partial<Extract<CredentialStatus, { status: 'active' }>>): CredentialStatus => ({
  status: 'active',
  version,
  ...more,
})

test.each([
  ['absent', { status: 'absent' }],
  ['revoked', { status: 'revoked', version }],
  ['active', active({})],
  ['active', active({ fields: ['pat', 'site'] })],
  ['active', active({ labels: { expiresAt: new Date(NOW + 1) } })],
  ['expired', active({ labels: { expiresAt: new Date(NOW) } })],
  ['rejected', active({ labels: { expiresAt: new Date(NOW - 1), rejectedAt: new Date(NOW) } })],
  ['incomplete', active({ fields: ['pat', 'note'] })],
  ['expired', active({ fields: ['pat'], labels: { expiresAt: new Date(NOW - 1) } })],
] as const)('%s is the state of %j', (state, status) => {
  expect(stateOf(status, variables, NOW)).toBe(state)
})
