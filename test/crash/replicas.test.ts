import { expect, test } from 'vitest'
import { summary } from '../../bench/replicas/figures.ts'
import { createLedger, hashOf } from '../../bench/replicas/ledger.ts'
import { loadReplicas } from '../../bench/replicas/load.ts'
import { createSaves, type Saves } from '../../bench/replicas/saves.ts'

test('replicas killed under load lose, duplicate and mix up nothing', async () => {
  const figures = await loadReplicas({ seconds: 20, users: 8 })
  expect(figures.problems).toEqual([])
  expect(figures.kills).toBeGreaterThan(0)
  expect(figures.waited).toBeGreaterThan(0)
  expect(figures.acknowledged).toBeGreaterThan(0)
  expect(figures.calls).toBeGreaterThan(figures.waited)
  expect(summary(figures, 20)).toMatch(/: no credential lost, none saved twice/)
}, 300_000)

function written(saves: Saves, pat: string): void {
  const request = {
    method: 'POST',
    url: '/v1/secret/data/mcp/jira',
    headers: {},
    body: Buffer.from(JSON.stringify({ data: { pat } })),
  }
  saves.watch(request, { status: 200, headers: {}, body: Buffer.alloc(0) })
}

test('an acknowledged save that no version or two versions were made of is reported', () => {
  const saves = createSaves()
  const value = saves.newValue('alice', 'form 1')
  saves.acknowledge(value)
  expect(saves.problems()).toEqual([expect.stringMatching(/alice made 0 versions/)])
  written(saves, value)
  expect(saves.problems()).toEqual([])
  written(saves, value)
  expect(saves.problems()).toContainEqual(expect.stringMatching(/alice made 2 versions/))
})

test('two values of one form and a value of nobody are reported', () => {
  const saves = createSaves()
  for (const value of [saves.newValue('alice', 'form 1'), saves.newValue('alice', 'form 1')]) written(saves, value)
  written(saves, 'typed by nobody')
  expect(saves.problems()).toEqual([
    expect.stringMatching(/nobody had typed/),
    expect.stringMatching(/one form made 2 versions/),
  ])
  expect(saves.versionsOf('alice')).toBe(2)
})

test('after an acknowledged change only its state is allowed; a change without an answer allows both', () => {
  const ledger = createLedger()
  expect(ledger.allows(undefined)).toBe(true)
  ledger.begin('one')
  expect([ledger.allows(undefined), ledger.allows(hashOf('one'))]).toEqual([true, true])
  ledger.acknowledged('one')
  expect([ledger.allows(undefined), ledger.allows(hashOf('one'))]).toEqual([false, true])
  expect(ledger.goneFor(undefined, performance.now() + 1000)).toBeGreaterThan(0)
  expect(ledger.goneFor(hashOf('never'), performance.now())).toBeUndefined()
})
