import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import { auditKeys, importPublicKey } from '../../src/audit/line/audit-keys.ts'
import { readLogRecord } from '../../src/audit/query/log-record.ts'
import { segmentLines } from '../../src/audit/segments/segment-lines.ts'
import { verifyLog } from '../../src/audit/verify/verify-log.ts'
import { parseKey } from '../../src/core/crypto/key-text.ts'
import { isCredentialVaultError } from '../../src/core/model/errors.ts'

// Appends on a disk that becomes read-only and writable again. Ends with what happened, as JSON.
const [disk = ''] = process.argv.slice(2)
const folder = join(disk, 'audit')
const audit = jsonLinesAudit({ folder, warn: () => {} })
const append = (correlationId: string) =>
  audit.append({ type: 'credential.resolved', outcome: 'success', correlationId }).then(
    () => undefined,
    (error: unknown) => (isCredentialVaultError(error) ? error.reason : String(error)),
  )

// The system refuses to make a mount read-only while a file on it is open for writing.
remount('ro')
const refused = [await append('meanwhile'), await append('meanwhile')]
remount('rw')
await append('after')
await audit.close()

const ids = readdirSync(folder)
  .sort()
  .flatMap((file) =>
    [...segmentLines(join(folder, file))].flatMap(({ bytes }) => readLogRecord(bytes)?.correlationId ?? []),
  )
const key = importPublicKey(auditKeys(parseKey(process.env['MCP_AUDIT_KEY'] ?? '', 'MCP_AUDIT_KEY')).publicKey)
const { integrity, completeness } = await verifyLog({ folder, keys: key ? [key] : [] })
process.stdout.write(JSON.stringify({ refused, ids, verdict: { integrity, completeness } }))

function remount(option: string): void {
  const { status } = spawnSync('mount', ['-o', `remount,${option}`, disk])
  if (status !== 0) throw new Error(`remount ${option} failed`)
}
