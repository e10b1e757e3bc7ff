import { sameOwner } from '../../core/model/owner.ts'
import type { StoredCredential } from '../../core/ports/secret-backend.ts'
import type { LogRecord } from '../query/log-record.ts'
import { mergedLines } from '../query/merged-lines.ts'
import { listSegments } from '../segments/segment-ends.ts'
import { type Finding, finding } from './finding.ts'

const SAVED = new Set(['credential.stored', 'credential.rotated'])
const GONE = new Set(['credential.revoked', 'credential.purged'])

/**
 * Compares the log with the store. Each record names the line that announced it; that line must exist and be about the same credential.
 * Each credential whose last line says that it was stored must have a record. Lines with pseudonyms are compared by provider and issuer
 * only.
 *
 * @param removedBefore from the log's report: older lines may have expired
 */
export async function verifyRecords(
  folder: string,
  stored: AsyncIterable<StoredCredential>,
  removedBefore: string | undefined,
): Promise<readonly Finding[]> {
  // The store is read first, so that every record found already has its line.
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
  for (const credential of credentials) {
    last.delete(nameOf({ provider: credential.key.provider, owner: credential.key.owner }))
    const found = recordProblem(credential, { announced, writers, removedBefore })
    if (found) findings.push(found)
  }
  return [...findings, ...[...last.values()].flatMap((record) => missingRecord(record) ?? [])]
}

interface KnownLines {
  readonly announced: ReadonlyMap<string, LogRecord>
  readonly writers: ReadonlySet<string>
  readonly removedBefore: string | undefined
}

/** Finds what is wrong with a record that names the line which announced it. */
function recordProblem(
  { key, status, audit }: StoredCredential,
  { announced, writers, removedBefore }: KnownLines,
): Finding | undefined {
  if (status.status !== 'active' || !audit) return undefined
  const who = `the credential of ${key.owner.subject} for ${key.provider}`
  const line = announced.get(`${audit.writer}/${audit.seq}`)
  if (!line) {
    // Its line may have expired.
    if (removedBefore !== undefined && status.version.createdAt.toISOString() <= removedBefore) return undefined
    const why = writers.has(audit.writer) ? 'which is not there' : 'whose file is not there'
    const detail = `${who} was announced by line ${audit.seq} of writer ${audit.writer}, ${why}`
    return finding('record_without_line', detail)
  }
  if (isAbout(line, key)) return undefined
  return finding('record_differs', `${who} names line ${audit.seq} of writer ${audit.writer}, which is about another`)
}

/** Reports a credential whose last line says that it is stored and that has no record. */
function missingRecord({ type, provider, owner, at }: LogRecord): Finding | undefined {
  if (!SAVED.has(type) || owner?.subject === undefined) return undefined
  const who = `the credential of ${owner.subject} for ${provider ?? ''}`
  const detail = `${who}, stored at ${at}, is not there: it was removed with the backend's own tools`
  return finding('line_without_record', detail)
}

function nameOf({ provider, owner }: Pick<LogRecord, 'provider' | 'owner'>): string {
  return JSON.stringify([provider, owner?.issuer, owner?.subject ?? owner?.pseudonym])
}

function isAbout({ provider, owner }: LogRecord, key: StoredCredential['key']): boolean {
  if (provider !== key.provider || !owner || owner.issuer !== key.owner.issuer) return false
  return owner.subject === undefined || sameOwner({ issuer: owner.issuer, subject: owner.subject }, key.owner)
}
