import { expect, test, vi } from 'vitest'
import { jsonLinesAudit } from '../../../src/audit/json-lines.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { auditLogUnderTest, resolvedEvent } from '../../harness/audit-log.ts'

test('an anchor that throws holds nothing up: what is on the disk is acknowledged', async () => {
  const log = await auditLogUnderTest()
  const anchor = {
    publish: () => {
      throw new Error('x')
    },
    close: async () => {},
  }
  const audit = jsonLinesAudit({ folder: log.folder, key: log.key, anchor, anchorLines: 1, warn: () => {} })
  const answer = await audit.append(resolvedEvent('a')).catch((error: Error) => error.message)
  await audit.close()
  expect(answer).toMatchObject({ seq: 2 })
})

test('a closed log that is asked again says that it is closed, and warns of no key', async () => {
  const log = await auditLogUnderTest()
  const warn = vi.fn()
  const audit = jsonLinesAudit({ folder: log.folder, subjects: 'pseudonym', warn })
  await audit.open?.(Buffer.from(generateKeyText().slice(0, 32)))
  await audit.append(resolvedEvent('a'))
  await audit.close()
  await expect(audit.append(resolvedEvent('b'))).rejects.toMatchObject({ reason: 'closed' })
  expect(warn).not.toHaveBeenCalled()
})
