import { type KeyObject, randomBytes } from 'node:crypto'
import { unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { CredentialVaultError } from '../core/model/errors.ts'
import type { AuditPosition } from '../core/ports/audit-sink.ts'
import type { ServerTier } from '../core/ports/store-keys.ts'
import { type AuditAnchor, checkpointOf } from './anchors/anchor.ts'
import { type ChainHead, newChain, sealBatch } from './line/audit-chain.ts'
import { type AuditKeys, publicKeyText } from './line/audit-keys.ts'
import type { LineBody } from './line/audit-line.ts'
import { type FoundHead, logLineBody } from './line/log-events.ts'
import { type AuditFile, createAuditFile } from './segments/audit-file.ts'
import { type HeadsOfSegments, headsOfSegments, headsSignedBy } from './segments/chain-heads.ts'
import { expiredSegments } from './segments/expired-segments.ts'
import { refuseLogOfOtherTier, refuseTemporaryKey } from './segments/foreign-chains.ts'
import { segmentName } from './segments/segment-name.ts'
import { findRetirement } from './verify/find-retirement.ts'

export interface ChainWriterParts {
  readonly folder: string
  readonly keys: AuditKeys
  /** Whether only this process has the signing key. Such a chain may only stand beside others of its kind. */
  readonly isTemporary: boolean
  /** What this process serves. Undefined for a command. Such a chain may only stand beside others of the same tier. */
  readonly tier: ServerTier | undefined
  /** Keys whose lines count as the log's own, besides `keys`. */
  readonly acceptedKeys: readonly Pick<AuditKeys, 'publicKey' | 'verifyingKey'>[]
  readonly maxSegmentBytes: number
  /** Days. Undefined keeps files for ever. */
  readonly keepDays: number | undefined
  readonly anchor: AuditAnchor | undefined
  readonly anchorSeconds: number
  readonly anchorLines: number
  readonly warn: (message: string) => void
}

/** Writes one chain of lines, and starts another when its file can no longer be trusted. Calls must not overlap. */
export interface ChainWriter {
  /** Writes the chain's first line, so that other processes see this one before its first event. Rejects for a retired key. */
  begin(): Promise<void>
  /** Writes one batch and resolves once it is durable. Rejects with the system's error; then none of its lines was acknowledged. */
  write(bodies: readonly LineBody[]): Promise<readonly AuditPosition[]>
  /** Does what is due while nothing is written: restores a deleted file, ends the day's segment, publishes a checkpoint. */
  maintain(): Promise<void>
  /** Records that this public key is retired, and where each chain that it signed ends. Resolves to those ends. */
  retire(key: KeyObject): Promise<readonly FoundHead[]>
  /** Writes the closing line and publishes the last checkpoint. */
  close(): Promise<void>
}

/** Keeps a line well below the longest that a verifier reads. */
const HEADS_OF_A_LINE = 64

export function createChainWriter(parts: ChainWriterParts): ChainWriter {
  const { folder, keys, anchor, warn } = parts
  let file: AuditFile | undefined
  let head = beginChain()
  let part = 1
  let day = ''
  let isAdmitted = false
  /** The other chains in the folder, for the first line of this one. */
  let found: HeadsOfSegments = { segments: 0, heads: [] }
  /** Lines about the log itself that go out with the next batch. */
  let pendingLogEvents: LineBody[] = []
  let purged: readonly string[] = []
  let anchored = { seq: 0, at: performance.now() }

  async function append(target: AuditFile, bodies: readonly LineBody[]): Promise<void> {
    const batch = sealBatch(head, bodies, keys)
    await target.append(Buffer.from(batch.text))
    head = batch.head
  }

  /** Returns a file that exists and has room. */
  async function ready(): Promise<AuditFile> {
    if (file) await leave(file)
    file ??= await begin()
    return file
  }

  async function leave(current: AuditFile): Promise<void> {
    const failure = current.failure()
    if (failure) {
      const held = current.length
      // Restore first, or acknowledged lines would be lost.
      await current.restore()
      warn(`The audit log ${current.name} is no longer usable (${failure}). A new one is started.`)
      const { writer: failedWriter, seq: lastSeq, hash } = head
      const event = { type: 'audit.writer_failed', reason: failure, failedWriter, lastSeq, head: hash } as const
      if (lastSeq > 0 || held > 0) pendingLogEvents.push(logLineBody(event))
      head = beginChain()
      part = 1
      anchored = { seq: 0, at: performance.now() }
    } else {
      const reason = today() === day ? (current.length >= parts.maxSegmentBytes ? 'size' : undefined) : 'day'
      if (!reason) return
      if (current.length > 0) {
        await append(current, [logLineBody({ type: 'audit.segment_closed', reason })])
        part += 1
      }
    }
    file = undefined
    await current.close()
  }

  async function begin(): Promise<AuditFile> {
    await refuseRetiredKey(folder, keys.publicKey)
    // Once: what others sign later must not end the log of a process that serves.
    if (parts.isTemporary && !isAdmitted) await refuseTemporaryKey(folder)
    if (parts.tier !== undefined && !isAdmitted) await refuseLogOfOtherTier(folder, parts.tier)
    isAdmitted = true
    const now = new Date()
    const verifying = [keys, ...parts.acceptedKeys].map(({ verifyingKey }) => verifyingKey)
    if (head.seq === 0) found = await headsOfSegments(folder, verifying, warn)
    if (parts.keepDays !== undefined && purged.length === 0) {
      // A failure to find expired files must not stop the log.
      const expired = await expiredSegments(folder, { keepDays: parts.keepDays, keys: verifying, now }).catch(() => [])
      purged = expired.map(({ file: name }) => name)
      pendingLogEvents.push(...expired.map((event) => logLineBody(event, now)))
    }
    day = today()
    return createAuditFile(folder, segmentName(now, head.writer, part))
  }

  async function write(bodies: readonly LineBody[]): Promise<readonly AuditPosition[]> {
    const target = await ready()
    const opening = head.seq === 0 ? [opened()] : []
    const before = [...opening, ...pendingLogEvents]
    if (before.length + bodies.length === 0) return []
    await append(target, [...before, ...bodies])
    pendingLogEvents = []
    const { writer, seq } = head
    await removePurged()
    if (seq - anchored.seq >= parts.anchorLines) publish()
    return bodies.map((_, i) => ({ writer, seq: seq - bodies.length + i + 1 }))
  }

  function opened(): LineBody {
    const acceptedKeys = parts.acceptedKeys.map(({ publicKey }) => publicKey)
    const others = acceptedKeys.length === 0 ? {} : { acceptedKeys }
    const lasting = parts.isTemporary ? ({ temporaryKey: true } as const) : {}
    const served = parts.tier === undefined ? {} : { tier: parts.tier }
    const by = { key: keys.publicKey, ...lasting, ...served, host: hostname(), pid: process.pid }
    return logLineBody({ type: 'audit.opened', ...by, ...found, ...others })
  }

  // The purge lines are durable by now. After a crash in between, the next segment removes the files.
  async function removePurged(): Promise<void> {
    const names = purged
    purged = []
    for (const name of names) await unlink(join(folder, name)).catch(() => {})
  }

  function publish(): void {
    if (!anchor || head.seq === anchored.seq) return
    anchored = { seq: head.seq, at: performance.now() }
    try {
      anchor.publish(checkpointOf(head, keys, new Date()))
    } catch {
      warn('The audit anchor failed. Its checkpoint is lost.')
    }
  }

  return {
    write,

    async begin() {
      if (head.seq === 0) await write([])
      // Again, with the own line there: of two tiers that start at the same time, one at least sees the other's.
      if (parts.tier !== undefined) await refuseLogOfOtherTier(folder, parts.tier)
    },

    async maintain() {
      if (file) await leave(file)
      if (pendingLogEvents.length > 0) await write([])
      if (performance.now() - anchored.at >= parts.anchorSeconds * 1000) publish()
    },

    async retire(key) {
      const heads = await headsSignedBy(folder, key)
      const lines = Math.max(1, Math.ceil(heads.length / HEADS_OF_A_LINE))
      const bodies = Array.from({ length: lines }, (_, i) => {
        const some = heads.slice(i * HEADS_OF_A_LINE, (i + 1) * HEADS_OF_A_LINE)
        return logLineBody({ type: 'audit.key_retired', key: publicKeyText(key), heads: some })
      })
      await write(bodies)
      return heads
    },

    async close() {
      try {
        if (head.seq > 0 || pendingLogEvents.length > 0) await write([logLineBody({ type: 'audit.closed' })])
      } finally {
        await file?.close()
        file = undefined
        publish()
      }
    },
  }
}

/** @throws `configuration_invalid` (`key_retired`): whatever that key signs counts as forged */
async function refuseRetiredKey(folder: string, key: string): Promise<void> {
  const retired = await findRetirement(folder, key)
  if (!retired) return
  throw new CredentialVaultError(
    'configuration_invalid',
    `This process would sign the audit log with key ${key}, which was retired at ${retired.at} (${retired.file}). ` +
      'Set MCP_AUDIT_KEY_FILE to the key that replaced it, then restart this process.',
    { reason: 'key_retired' },
  )
}

function beginChain(): ChainHead {
  return newChain(randomBytes(8).toString('hex'))
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}
