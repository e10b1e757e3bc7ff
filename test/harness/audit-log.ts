import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { AuditCheckpoint } from '../../src/audit/anchors/anchor.ts'
import { jsonLinesAudit } from '../../src/audit/json-lines.ts'
import type { JsonLinesAuditOptions } from '../../src/audit/json-lines-options.ts'
import { auditKeys, importPublicKey } from '../../src/audit/line/audit-keys.ts'
import { type AuditReport, type VerifyOptions, verifyLog } from '../../src/audit/verify/verify-log.ts'
import { generateKeyText, parseKey } from '../../src/core/crypto/key-text.ts'
import type { AuditEvent } from '../../src/core/ports/audit-sink.ts'

/** A log in a folder of its own, written by the real thing, and hands that do to it what an attacker would. */
export interface AuditLogUnderTest {
  readonly folder: string
  readonly key: string
  readonly checkpoints: AuditCheckpoint[]
  /** Writes so many lines as one chain that is closed; `batch` at a time. */
  write(lines: number, options?: Partial<JsonLinesAuditOptions> & { readonly batch?: number }): Promise<void>
  /** Adds a chain that was written elsewhere: the log itself refuses to sign with a retired key. */
  smuggle(lines: number, options?: Partial<JsonLinesAuditOptions>): Promise<void>
  files(): Promise<readonly string[]>
  /** Lines of the only file, or of the named one, without line ends. */
  lines(file?: string): Promise<string[]>
  replace(lines: readonly string[], file?: string): Promise<void>
  verify(options?: Partial<VerifyOptions>): Promise<AuditReport>
  /** Verdicts and the kinds of finding that are no notes. */
  verdict(options?: Partial<VerifyOptions>): Promise<{ integrity: string; completeness: string; kinds: string[] }>
}

export async function auditLogUnderTest(): Promise<AuditLogUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-log-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const key = generateKeyText()
  const checkpoints: AuditCheckpoint[] = []

  const only = async (file?: string): Promise<string> => {
    const [first] = file === undefined ? await log.files() : [file]
    if (first === undefined) throw new Error('the log has no file')
    return join(folder, first)
  }

  const log: AuditLogUnderTest = {
    folder,
    key,
    checkpoints,

    async write(lines, { batch = 10, ...options } = {}) {
      const anchor = { publish: (one: AuditCheckpoint) => void checkpoints.push(one), close: async () => {} }
      const audit = jsonLinesAudit({ folder, key, anchor, anchorLines: 25, warn: () => {}, ...options })
      for (let i = 0; i < lines; i += batch) {
        const events = Array.from({ length: Math.min(batch, lines - i) }, (_, j) => resolvedEvent(`n${i + j}`))
        await Promise.all(events.map((event) => audit.append(event)))
      }
      await audit.close()
    },

    async smuggle(lines, options = {}) {
      const elsewhere = await mkdtemp(join(tmpdir(), 'audit-elsewhere-'))
      onTestFinished(() => rm(elsewhere, { recursive: true, force: true }))
      await log.write(lines, { ...options, folder: elsewhere })
      for (const file of await readdir(elsewhere)) await copyFile(join(elsewhere, file), join(folder, file))
    },

    files: async () => (await readdir(folder)).sort(),
    lines: async (file) => (await readFile(await only(file), 'utf8')).split('\n').slice(0, -1),
    replace: async (lines, file) => writeFile(await only(file), lines.map((line) => `${line}\n`).join('')),

    verify: (options = {}) => verifyLog({ folder, keys: [publicKeyOf(key)], ...options }),

    async verdict(options) {
      const { integrity, completeness, findings } = await log.verify(options)
      const kinds = findings.filter(({ severity }) => severity !== 'note').map(({ kind }) => kind)
      return { integrity, completeness, kinds: [...new Set(kinds)] }
    },
  }
  return log
}

export function resolvedEvent(correlationId: string): AuditEvent {
  const owner = { issuer: 'https://login.example.com', subject: 'alice' }
  return { type: 'credential.resolved', outcome: 'success', owner, provider: 'jira', correlationId }
}

export function publicKeyOf(key: string) {
  const imported = importPublicKey(auditKeys(parseKey(key, 'the test')).publicKey)
  if (!imported) throw new Error('that is no key')
  return imported
}

/** Forges a log without the key: recomputes every hash and link, and keeps or removes the signatures. */
export function rechained(lines: readonly string[], { signatures }: { signatures: 'kept' | 'removed' }): string[] {
  let link = 'A'.repeat(43)
  return lines.map((line) => {
    const [, content = '', signature] =
      /^(.*),"prev":"[\w-]{43}","hash":"[\w-]{43}"(?:,"sig":"([\w-]{86})")?\}$/.exec(line) ?? []
    const hashed = `${content},"prev":"${link}"`
    const hash = sha256(hashed)
    const kept = signatures === 'kept' ? (signature ?? '') : ''
    link = kept === '' ? hash : sha256(hash + kept)
    return `${hashed},"hash":"${hash}"${kept === '' ? '' : `,"sig":"${kept}"`}}`
  })
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
