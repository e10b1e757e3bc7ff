import { type KeyObject, randomBytes } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { findAcceptedKeys } from '../core/crypto/accepted-keys.ts'
import { findKey } from '../core/crypto/key-source.ts'
import { openPrivateFolder } from '../core/host/private-folder.ts'
import { partWarnings } from '../core/host/process-warning.ts'
import type { DependencyReason } from '../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../core/model/errors.ts'
import { parseOptions } from '../core/model/options.ts'
import type { AuditPosition, AuditSink } from '../core/ports/audit-sink.ts'
import type { KeyUse, ServerTier } from '../core/ports/store-keys.ts'
import { type ChainWriter, createChainWriter } from './chain-writer.ts'
import { type JsonLinesAuditOptions, jsonLinesOptions } from './json-lines-options.ts'
import { type AuditKeys, auditKeys } from './line/audit-keys.ts'
import { auditLineBody, type LineBody } from './line/audit-line.ts'
import type { FoundHead } from './line/log-events.ts'
import { syncFolders } from './segments/audit-file.ts'
import { checkLogFolder, FOLDER_SETTING } from './segments/folder-check.ts'

interface Waiting {
  readonly body: LineBody
  readonly resolve: (position: AuditPosition) => void
  readonly reject: (error: unknown) => void
}

/** The audit log, with the method that only an operator's command uses. */
export interface JsonLinesAudit extends AuditSink {
  /**
   * Records that this public key is retired, and resolves to the ends of the chains that it signed.
   *
   * @throws `audit_unavailable`
   */
  retireKey(key: KeyObject): Promise<readonly FoundHead[]>
}

/** Bounds the memory that a hanging disk costs. */
const MAX_WAITING = 10_000
const DISK_FULL = new Set(['ENOSPC', 'EDQUOT'])
/** Most event-loop turns for which a batch waits for more lines: a few milliseconds on a busy loop. */
const MOST_TURNS = 16
/** Turns in a row that bring no line. They take microseconds when the event loop is idle. */
const IDLE_TURNS = 3
/** Milliseconds between two rounds of maintenance while nothing is written. */
const MAINTAIN_EVERY = 10_000

/**
 * The audit log as JSON Lines, one chain of hashes for each process and an Ed25519 signature for each batch: `docs/audit.md` has the
 * format and what it proves. Files are `audit-<UTC time>-<writer>-<part>.jsonl` with mode 0600; the first is created
 * when the log is opened, with a line that names the process.
 *
 * `append` resolves after fdatasync. Lines that arrive while a batch is written form the next one. It rejects with
 * `audit_unavailable`: `disk_full`, `write_failed`, `overloaded` (10000 lines wait already) or `closed`.
 *
 * @example
 * ```ts
 * import { jsonLinesAudit } from 'mcp-credential-vault'
 *
 * const audit = jsonLinesAudit({ folder: './data/audit', keyFile: '/run/secrets/audit-key', keepDays: 400 })
 * ```
 */
export function jsonLinesAudit(options: JsonLinesAuditOptions): AuditSink {
  return createJsonLines(options)
}

export function createJsonLines(options: JsonLinesAuditOptions): JsonLinesAudit {
  const settings = parseOptions(jsonLinesOptions, options, 'jsonLinesAudit')
  const warn = partWarnings(settings, 'audit')
  let opened: { readonly keys: AuditKeys; readonly chain: ChainWriter } | undefined
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined
  let maintenance: NodeJS.Timeout | undefined
  let closed = false
  let prepared = false

  /** Creates or checks the folder until that has succeeded once. Throws our own errors, or the system's. */
  async function prepare(): Promise<void> {
    if (prepared) return
    const { folder } = settings
    const { topmost } = await openPrivateFolder(folder, { holds: 'audit log', setting: FOLDER_SETTING, warn })
    await syncFolders(folder, topmost)
    prepared = true
  }

  function open(derived?: Uint8Array, onFound?: (use: KeyUse) => void, tier?: ServerTier): NonNullable<typeof opened> {
    opened ??= chainWith(derived, onFound, tier)
    return opened
  }

  function chainWith(
    derived: Uint8Array | undefined,
    onFound?: (use: KeyUse) => void,
    tier?: ServerTier,
  ): NonNullable<typeof opened> {
    const configured = findKey({ name: 'MCP_AUDIT_KEY', text: settings.key, file: settings.keyFile, warn, onFound })
    const key = configured?.key ?? derived
    if (!key && settings.subjects === 'pseudonym') {
      throw new CredentialVaultError(
        'configuration_invalid',
        'jsonLinesAudit.subjects: pseudonyms need a persistent key. Create one with "mcp-credential-vault keygen" and set MCP_AUDIT_KEY_FILE.',
        { reason: 'audit_key_missing' },
      )
    }
    if (!key)
      warn(
        'The audit log is signed with a temporary key, so it cannot be verified after this process ends. Create a key with "mcp-credential-vault keygen" and set MCP_AUDIT_KEY_FILE.',
      )
    const acceptedKeys = findAcceptedKeys({
      name: 'MCP_AUDIT_KEY',
      option: 'jsonLinesAudit.acceptedKeys',
      texts: settings.acceptedKeys,
      file: settings.acceptedKeysFile,
      current: key,
      derived,
      warn,
      onFound,
    }).map(auditKeys)
    const keys = auditKeys(key ?? randomBytes(32))
    const { keepDays, anchor } = settings
    const isTemporary = key === undefined
    return {
      keys,
      chain: createChainWriter({ ...settings, keepDays, anchor, keys, isTemporary, acceptedKeys, tier, warn }),
    }
  }

  async function writeAll(): Promise<void> {
    const { chain } = open()
    while (waiting.length > 0) {
      await gathered()
      const batch = waiting
      waiting = []
      try {
        await prepare()
        const positions = await chain.write(batch.map(({ body }) => body))
        batch.forEach(({ resolve, reject }, i) => {
          const position = positions[i]
          if (position) resolve(position)
          else reject(unavailableBecause('write_failed', 'The audit log cannot be written.'))
        })
      } catch (error) {
        const shown = unavailable(error)
        for (const { reject } of batch) reject(shown)
      }
    }
    writing = undefined
  }

  /** A batch of one line costs as much as one of ten, so the writer waits while turns of the event loop bring more lines. */
  async function gathered(): Promise<void> {
    let before = 0
    let idle = 0
    for (let turn = 0; turn < MOST_TURNS && idle < IDLE_TURNS; turn += 1) {
      idle = waiting.length > before ? 0 : idle + 1
      before = waiting.length
      await setImmediate()
    }
  }

  function maintain(): void {
    // Writing a batch includes the same maintenance.
    if (writing || closed) return
    alone(open().chain.maintain()).catch(() => {})
  }

  /** Has the lines that arrive during this work wait for its end. */
  function alone(work: Promise<void>): Promise<void> {
    writing = work
      .catch(() => {})
      .then(() => {
        writing = undefined
        if (waiting.length > 0) writing = writeAll()
      })
    return work
  }

  async function begin(): Promise<void> {
    while (writing) await writing
    if (closed) return
    maintenance ??= setInterval(maintain, MAINTAIN_EVERY).unref()
    await alone(open().chain.begin()).catch((error: unknown) => {
      if (isCredentialVaultError(error)) throw error
      // A revocation works without its line. Everything else fails when it writes its own.
      warn(`${unavailable(error).message} It is tried again with the next line.`)
    })
  }

  return {
    async open(derived, keyConfigured, tier) {
      open(derived, keyConfigured, tier)
      try {
        await prepare()
        await begin()
      } catch (error) {
        throw isCredentialVaultError(error) ? error : unavailable(error)
      }
    },

    async append(event) {
      if (closed) throw unavailableBecause('closed', 'The audit log is closed.')
      const { keys } = open()
      const body = auditLineBody(event, settings.subjects === 'pseudonym' ? { pseudonym: keys.pseudonym } : {})
      if (waiting.length >= MAX_WAITING) throw unavailableBecause('overloaded', 'The audit log is too slow.')
      maintenance ??= setInterval(maintain, MAINTAIN_EVERY).unref()
      return new Promise((resolve, reject) => {
        waiting.push({ body, resolve, reject })
        writing ??= writeAll()
      })
    },

    async check() {
      // Before the first line there may be no folder.
      if (prepared && !closed) await checkLogFolder(settings.folder)
    },

    async retireKey(key) {
      if (closed) throw unavailableBecause('closed', 'The audit log is closed.')
      while (writing) await writing
      const { chain } = open()
      try {
        await prepare()
        return await chain.retire(key)
      } catch (error) {
        throw unavailable(error)
      }
    },

    async close() {
      closed = true
      clearInterval(maintenance)
      while (writing) await writing
      const last = opened
      opened = undefined
      await last?.chain.close().catch(() => warn('The audit log could not record that it was closed.'))
      await settings.anchor?.close()
    },
  }
}

function unavailable(error: unknown): CredentialVaultError {
  if (isCredentialVaultError(error, 'audit_unavailable')) return error
  // Only a log that nobody opened before its first line meets this: that of a command, which has to say what to set.
  if (isCredentialVaultError(error) && error.reason === 'audit_key_missing') return error
  // The folder's own error says what to change.
  if (isCredentialVaultError(error)) return unavailableBecause('write_failed', error.message)
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' && DISK_FULL.has(code)
    ? unavailableBecause('disk_full', "The audit log's disk is full.")
    : unavailableBecause('write_failed', 'The audit log cannot be written.')
}

function unavailableBecause(reason: DependencyReason, message: string): CredentialVaultError {
  return new CredentialVaultError('audit_unavailable', `${message} Nothing was released or saved.`, {
    reason,
    retryable: true,
  })
}
