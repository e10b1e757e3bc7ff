import { expect, test } from 'vitest'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { killReseals } from './reseal-kills.ts'

test('kill -9 of rotate and reseal at random moments while 20 users save and read: every record opens, and the next run finishes', async () => {
  await sodiumReady()
  const report = await killReseals({ records: 300, kills: 6, users: 20 })
  expect(report.problems).toEqual([])
  expect(report.kills).toBe(6)
  expect(report.saves).toBeGreaterThan(20)
  expect(report.midway).toBeGreaterThan(0)
})
