import { sameOwner } from '../../core/model/owner.ts'
import type { StoredCredential } from '../../core/ports/secret-backend.ts'
import type { LogRecord } from '../query/log-record.ts'
import { mergedLines } from '../query/merged-lines.ts'
import { listSegments } from '../segments/segment-ends.ts'
import { type Finding, finding } from './finding.ts'

const SAVED = new Set(['credential.stored', 'credential.rotated'])
const GONE = new Set(['credential.revoked', 'credential.purged'])

/**
 * Compares the log with what is stored. Each record names the line that announced it, which has to be there and to be about the same
 * credential; each credential whose last line says that it was stored has to have a record. Lines with pseudonyms are compared by provider
 * and issuer alone.
 *
 * @param removedBefore as the log's report has it: older lines may have been removed for their age
 */
export async function verifyRecords(
  folder: string,
  stored: AsyncIterable<StoredCredential>,
  removedBefore: string | undefined,
): Promise<readonly Finding[]> {
  // The store first: what is saved meanwhile has its line by the time that the log is read.
  const credentials: StoredCredential[] = []
  for await (const credential of stored) credentials.push(credential)
  const announced = new Map<string, LogRecord>()
  const last = new Map<string, LogRecord>()
  for await (const record of mergedLines(folder)) {
    if (record.type === 'credential.storing') announced.set(`${record.w}/${record.seq}`, record)
    if (SAVED.has(record.type) || GONE.has(record.type)) last.set(nameOf(record), record)
  }
  const writers = new Set((await listSegments(folder)).map(({ writer }) => writer))
  const findings: Finding[] = []
  for (const { key, status, audit } of credentials) {
    const { issuer, subject } = key.owner
    last.delete(nameOf({ provider: key.provider, owner: { issuer, subject } }))
    if (status.status !== 'active' || !audit) continue
    const who = `the credential of ${subject} for ${key.provider}`
    const line = announced.get(`${audit.writer}/${audit.seq}`)
    if (!line) {
      // Its line was old enough to be removed.
      if (removedBefore !== undefined && status.version.createdAt.toISOString() <= removedBefore) continue
      const why = writers.has(audit.writer) ? 'which is not there' : 'whose file is not there'
      findings.push(
        finding('record_without_line', `${who} was announced by line ${audit.seq} of writer ${audit.writer}, ${why}`),
      )
    } else if (!isAbout(line, key)) {
      findings.push(
        finding('record_differs', `${who} names line ${audit.seq} of writer ${audit.writer}, which is about another`),
      )
    }
  }
  for (const record of last.values()) {
    if (!SAVED.has(record.type) || record.owner?.subject === undefined) continue
    const who = `the credential of ${record.owner.subject} for ${record.provider ?? ''}`
    findings.push(
      finding(
        'line_without_record',
        `${who}, stored at ${record.at}, is not there: it was removed with the backend's own tools`,
      ),
    )
  }
  return findings
}

function nameOf({ provider, owner }: Pick<LogRecord, 'provider' | 'owner'>): string {
  return JSON.stringify([provider, owner?.issuer, owner?.subject ?? owner?.pseudonym])
}

function isAbout({ provider, owner }: LogRecord, key: StoredCredential['key']): boolean {
  if (provider !== key.provider || !owner || owner.issuer !== key.owner.issuer) return false
  return owner.subject === undefined || sameOwner({ issuer: owner.issuer, subject: owner.subject }, key.owner)
}
