import { expect, test } from 'vitest'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'

test('each reason why the log can take no lines is told once, and once more after it could take lines again', async () => {
  let reason: 'disk_full' | 'mount' | undefined
  const told: string[] = []
  const journal = createJournal({
    audit: {
      append: async () => ({ writer: 'w', seq: 1 }),
      async check() {
        if (reason) throw new CredentialVaultError('audit_unavailable', reason, { reason })
      },
    },
    health: createHealth(() => undefined),
    warn: (message) => void told.push(message),
  })
  await journal.probe()
  expect(told).toEqual([])
  for (let turn = 0; turn < 6; turn += 1) {
    reason = turn % 2 === 0 ? 'disk_full' : 'mount'
    await expect(journal.probe()).rejects.toMatchObject({ reason })
  }
  reason = undefined
  await journal.probe()
  await journal.probe()
  expect(told).toEqual(['disk_full', 'mount', 'the audit log can take lines again'])
  reason = 'disk_full'
  await expect(journal.probe()).rejects.toMatchObject({ reason })
  expect(told).toHaveLength(4)
})
