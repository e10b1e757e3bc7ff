import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import type { AuditPosition, AuditSink } from '../core/audit-sink.ts'
import { CredentialVaultError } from '../core/errors.ts'
import { parseOptions } from '../core/options.ts'
import { type AuditFile, createAuditFile } from './audit-file.ts'
import { type PreparedLine, prepareAuditLine } from './audit-line.ts'

export interface JsonLinesAuditOptions {
  /** Where the files go. Made with mode 0700 if it is missing. It has to be on a local disk that honours fsync. */
  readonly folder: string
  /** Told when a file was taken away from under us. Default: a process warning. */
  readonly warn?: (message: string) => void
}

const optionsSchema = z.strictObject({
  folder: z.string().min(1),
  warn: z.custom<(message: string) => void>((value) => typeof value === 'function', 'must be a function').optional(),
})

interface Waiting {
  readonly line: PreparedLine
  readonly resolve: (position: AuditPosition) => void
  readonly reject: (error: unknown) => void
}

/** A disk that hangs must not fill the memory as well. */
const MAX_WAITING = 10_000
const LOOK_AFTER_MILLISECONDS = 1000
const DISK_FULL = new Set(['ENOSPC', 'EDQUOT'])

/** Of a busy event loop: a few milliseconds. */
const MOST_TURNS = 12

/**
 * The audit log as JSON Lines: each writer has a file of its own, `audit-<UTC time>-<writer>.jsonl` with mode 0600, made at its first
 * line. `append` resolves after fdatasync. While one batch is being written the next lines gather, and go out together.
 *
 * Rejects with `audit_unavailable`: `disk_full`, `write_failed`, `overloaded` (10000 lines wait already) or `closed`. The lines that
 * were rejected are not in the file.
 */
export function jsonLinesAudit(options: JsonLinesAuditOptions): AuditSink {
  const { folder, warn = warnOfProcess } = parseOptions(optionsSchema, options, 'jsonLinesAudit')
  let file: AuditFile | undefined
  let lines = 0
  let lookedAt = 0
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  let closed = false

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      await gathered()
      const batch = waiting
      waiting = []
      try {
        await writeBatch(batch)
      } catch (error) {
        const shown = unavailable(error)
        for (const { reject } of batch) reject(shown)
      }
    }
    writing = undefined
  }

  /** A batch of one costs as much as a batch of ten, so it waits for turns of the event loop as long as each brings more. */
  async function gathered(): Promise<void> {
    let before = 0
    for (let turn = 0; turn < MOST_TURNS && waiting.length > before; turn += 1) {
      before = waiting.length
      await setImmediate()
    }
  }

  async function writeBatch(batch: readonly Waiting[]): Promise<void> {
    const { writer, append } = await fileToWrite()
    const placed = batch.map(({ line, resolve }, i) => {
      const position = { writer, seq: lines + i + 1 }
      return { text: line(position), resolve: () => resolve(position) }
    })
    await append(Buffer.from(placed.map(({ text }) => text).join('')))
    lines += placed.length
    for (const { resolve } of placed) resolve()
  }

  async function fileToWrite(): Promise<AuditFile> {
    if (file?.isUsable() && (await isStillOurs(file))) return file
    await file?.close()
    file = undefined
    file = await createAuditFile(folder)
    lines = 0
    lookedAt = performance.now()
    return file
  }

  async function isStillOurs(current: AuditFile): Promise<boolean> {
    if (performance.now() - lookedAt < LOOK_AFTER_MILLISECONDS) return true
    lookedAt = performance.now()
    if (await current.isIntact()) return true
    warn(`The audit log ${current.name} was deleted, replaced or changed by somebody else. A new one is begun.`)
    return false
  }

  return {
    async append(event) {
      const line = prepareAuditLine(event)
      if (closed) throw unavailableBecause('closed', 'The audit log is closed.')
      if (waiting.length >= MAX_WAITING) throw unavailableBecause('overloaded', 'The audit log is too slow.')
      return new Promise((resolve, reject) => {
        waiting.push({ line, resolve, reject })
        writing ??= writeAll()
      })
    },

    async close() {
      closed = true
      await writing
      const last = file
      file = undefined
      await last?.close()
    },
  }
}

function unavailable(error: unknown): CredentialVaultError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && DISK_FULL.has(code)
    ? unavailableBecause('disk_full', "The audit log's disk is full.")
    : unavailableBecause('write_failed', 'The audit log cannot be written.')
}

function unavailableBecause(reason: string, message: string): CredentialVaultError {
  return new CredentialVaultError('audit_unavailable', `${message} Nothing was released or saved.`, {
    reason,
    retryable: true,
  })
}

function warnOfProcess(message: string): void {
  process.emitWarning(message, 'CredentialVaultWarning')
}
