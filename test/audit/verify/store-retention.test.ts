import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { verifyRecords } from '../../../src/audit/verify/verify-records.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { AuditEvent, AuditPosition } from '../../../src/core/ports/audit-sink.ts'
import type { StoredCredential, VersionRef } from '../../../src/core/ports/secret-backend.ts'
import { type AuditLogUnderTest, auditLogUnderTest } from '../../harness/audit-log.ts'

afterEach(() => vi.useRealTimers())

const owner = { issuer: 'https://login.example.com', subject: 'alice' }
const line = (type: AuditEvent['type']): AuditEvent => ({
  type,
  outcome: 'success',
  owner,
  provider: 'jira',
  correlationId: 'c',
})

async function saved(log: AuditLogUnderTest): Promise<AuditPosition> {
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, warn: () => {} })
  const position = await audit.append(line('credential.storing'))
  await audit.append(line('credential.stored'))
  await audit.close()
  return position
}

const stored = (audit: AuditPosition, createdAt = new Date()): StoredCredential => ({
  key: storageKey('jira', owner),
  status: { status: 'active', version: { label: '1', ref: '1' as VersionRef, createdAt } },
  audit,
})

test('a credential that is older than the kept log is no gap in the log', async () => {
  const log = await auditLogUnderTest()
  const day = new Date('2025-01-02T03:04:05Z')
  vi.useFakeTimers({ toFake: ['Date'], now: day })
  const position = await saved(log)
  vi.useRealTimers()
  for (const file of await log.files()) await utimes(join(log.folder, file), day, day)
  await log.write(1, { keepDays: 30 })
  expect(await log.verdict()).toMatchObject({ integrity: 'intact', completeness: 'complete' })
  const findings = await verifyRecords(
    log.folder,
    (async function* () {
      yield stored(position, day)
    })(),
    (await log.verify()).removedBefore,
  )
  expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([])
})

test('a credential that is saved while the log is compared with the store is no gap', async () => {
  const log = await auditLogUnderTest()
  await log.write(1)
  const findings = await verifyRecords(
    log.folder,
    (async function* () {
      yield stored(await saved(log))
    })(),
    (await log.verify()).removedBefore,
  )
  expect(findings.filter(({ severity }) => severity !== 'note')).toEqual([])
})
