import { expect, test } from 'vitest'
import { EXPECTED_FAILURES } from './expected-failures.ts'
import { judge } from './judge.ts'
import type { Check } from './suite.ts'

const check = (id: string, status: Check['status']): Check => ({ id, status, problem: 'so it is' })
const known = (name: string) => ({ runs: ['one'], check: name, reason: 'For this test.' })

test('failures and warnings fail a run, unless they are expected of it', () => {
  const checks = [check('a:1', 'SUCCESS'), check('a:2', 'FAILURE'), check('a:3', 'WARNING'), check('a:4', 'FAILURE')]
  const list = [known('a:4'), { ...known('a:2'), runs: ['another'] }]
  expect(judge({ name: 'one', checks, required: ['a'] }, list)).toEqual({
    passed: 1,
    expected: 1,
    failures: ['one: a:2 (failure): so it is', 'one: a:3 (warning): so it is'],
  })
})

test.each(['SUCCESS', 'SKIPPED', undefined] as const)('an expected failure that ends as %s fails the run', (status) => {
  const checks = [check('a:1', 'SUCCESS'), ...(status ? [check('a:2', status)] : [])]
  const { failures, expected } = judge({ name: 'one', checks, required: [] }, [known('a:2')])
  expect({ failures, expected }).toEqual({
    failures: ['one: a:2 is expected to fail and did not: remove it from expected-failures.ts'],
    expected: 0,
  })
})

test('a scenario that was not run, or skipped as a whole, fails the run', () => {
  const checks = [check('a:1', 'SUCCESS'), check('b:1', 'SKIPPED')]
  const { failures } = judge({ name: 'one', checks, required: ['a', 'b', 'c'] }, [])
  expect(failures).toEqual(['one: b was not run', 'one: c was not run'])
})

test('each expected failure has its reason, and is listed once for a run', () => {
  for (const { reason, runs } of EXPECTED_FAILURES) {
    expect(reason).toMatch(/^.{20,}\.$/)
    expect(runs.length).toBeGreaterThan(0)
  }
  const all = EXPECTED_FAILURES.flatMap(({ check: name, runs }) => runs.map((run) => `${run} ${name}`))
  expect(new Set(all).size).toBe(all.length)
})
