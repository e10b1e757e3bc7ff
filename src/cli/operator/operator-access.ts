import { userInfo } from 'node:os'
import { createBackendCalls } from '../../core/credentials/backend-calls.ts'
import { type CredentialAdmin, createCredentialAdmin } from '../../core/credentials/credential-admin.ts'
import { type AccessLog, createAccessLog } from '../../core/credentials/credential-audit.ts'
import { type CredentialWriter, createCredentialWriter } from '../../core/credentials/credential-writer.ts'
import { createKeyUses } from '../../core/crypto/key-uses.ts'
import { sodiumReady } from '../../core/crypto/sodium.ts'
import { createHealth } from '../../core/journal/health.ts'
import { createJournal } from '../../core/journal/journal.ts'
import { reinstate } from '../../core/lifecycle/reinstatement.ts'
import { createRejectionMarks } from '../../core/lifecycle/rejection-marks.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { checkOwner, type Owner } from '../../core/model/owner.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import type { AccessContext } from '../../core/ports/access-context.ts'
import type { SecretBackend, StoredVersion } from '../../core/ports/secret-backend.ts'
import type { StoreKeys } from '../../core/ports/store-keys.ts'
import { createStores } from '../../vault/environment/create-stores.ts'
import type { ExitCode, Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { cacheNotice, cacheSecondsOf } from './cache-notice.ts'
import { openAudit } from './open-audit.ts'
import { type RunningServers, runningServers } from './running-servers.ts'
import { warnOfUnknownVariables } from './unknown-variables.ts'

/** Operations of an operator on stored credentials. None of them returns a value. */
export interface OperatorCredentials extends CredentialAdmin, CredentialWriter {
  /** Records something about the credential, durably. Throws `audit_unavailable`. */
  record(...line: Parameters<AccessLog['grant']>): Promise<void>
  /** Whether the backend stores marks of rejections. */
  readonly storesMarks: boolean
  /** Removes the mark of a rejection, as `core/lifecycle/reinstatement.ts` says. Needs a backend that stores marks. */
  reinstate(key: StorageKey, version: StoredVersion, context: AccessContext): Promise<boolean>
}

/** Access for an operator's command: the server's interfaces to the backend, with the command's own chain in the audit log. */
export interface OperatorAccess {
  readonly credentials: OperatorCredentials
  readonly context: AccessContext
  /** The keys of the sealed file. Undefined for a backend whose vendor keeps them. */
  readonly storeKeys: StoreKeys | undefined
  /** Undefined for a backend that seals nothing with keys from its configuration. */
  readonly resealing: SecretBackend['resealing'] | undefined
  readonly servers: RunningServers
  /** Seconds that running servers may keep using the old value after this command. */
  readonly cacheSeconds: number
  /** The same in a sentence; empty where all servers see the change at once. */
  readonly cacheNotice: string
}

export async function withOperatorAccess(
  terminal: Terminal,
  work: (access: OperatorAccess) => Promise<ExitCode>,
): Promise<ExitCode> {
  warnOfUnknownVariables(terminal)
  const stores = createStores(terminal.environment, { create: false, stdout: process.stderr })
  const { backend, audit, pendingStore, browserSessions } = stores
  const warn = (problem: string) => terminal.error(`mcp-credential-vault: ${problem}\n`)
  const health = createHealth(warn)
  const journal = createJournal({ audit, health, warn })
  await sodiumReady()
  let servers: RunningServers | undefined
  try {
    const keyConfigured = createKeyUses()
    await backend.open({ keyConfigured })
    servers = runningServers(stores, terminal.environment, { warn, onFound: keyConfigured })
    await openAudit(stores, terminal.environment, keyConfigured).catch((error: unknown) => {
      if (!isFolderTrouble(error)) throw error
      // A revocation works without its line. Other operations fail when they write theirs.
      warn(error.message)
    })
    const context = {
      correlationId: newCorrelationId(),
      actor: operator(),
    }
    const log = createAccessLog(journal, backend.name)
    const changed = servers.changes.credential
    // A command prints the backend's errors itself.
    const calls = createBackendCalls({ name: backend.name, health: createHealth(() => {}) })
    const doors = { backend, log, changed, calls }
    const marks = createRejectionMarks({ ...doors, warn })
    const record: OperatorCredentials['record'] = async (...line) => void (await log.grant(...line))
    const credentials: OperatorCredentials = {
      ...createCredentialAdmin(doors),
      ...createCredentialWriter(doors),
      record,
      storesMarks: backend.markRejected !== undefined,
      reinstate: (...parameters) => reinstate({ log, marks }, ...parameters),
    }
    const cacheSeconds = cacheSecondsOf(backend, terminal.environment)
    const notice = cacheNotice(cacheSeconds, servers.endings !== undefined)
    const { storeKeys, resealing } = backend
    return await work({ credentials, context, storeKeys, resealing, servers, cacheSeconds, cacheNotice: notice })
  } finally {
    // Close the log even if the others fail, or it would look like that of a killed process.
    await servers?.changes.close().catch(() => undefined)
    await Promise.allSettled([pendingStore.shutdown(), browserSessions.close?.(), backend.close(), journal.close()])
    await audit.close()
  }
}

/** Whether the error is about the folder. A wrong key is not, and the operator must correct it first. */
function isFolderTrouble(error: unknown): error is CredentialVaultError {
  if (isCredentialVaultError(error, 'configuration_invalid')) return error.reason?.startsWith('folder_') ?? false
  return isCredentialVaultError(error, 'unavailable', 'forbidden', 'audit_unavailable')
}

/** Returns the operator at the command line, for the audit log. */
export function operator() {
  return { kind: 'operator', account: accountName() } as const
}

function accountName(): string {
  try {
    return userInfo().username
  } catch {
    // Containers may run under a user id without an account.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

export const ownerOptions = { issuer: { type: 'string' }, subject: { type: 'string' } } as const

/** Reads the key of a credential from `PROVIDER --issuer … --subject …`. */
export function keyFromInput(input: CommandInput): StorageKey {
  const [provider = ''] = input.parameters
  return storageKey(provider, ownerFromInput(input))
}

/** @throws UsageError without both options, `owner_unknown` for values that name nobody */
export function ownerFromInput(input: CommandInput): Owner {
  const issuer = input.text('issuer')
  const subject = input.text('subject')
  if (issuer === undefined || subject === undefined)
    throw new UsageError("--issuer and --subject are required: they name the credential's owner")
  return checkOwner({ issuer, subject })
}

/** Names the credential in a sentence, with every part that may have been mistyped. */
export function credentialName({ provider, owner: { issuer, subject } }: StorageKey): string {
  return `${provider} for ${subject} (issuer ${issuer})`
}

export function noSuchCredential({ provider, owner: { issuer, subject } }: StorageKey): CredentialVaultError {
  return new CredentialVaultError(
    'credential_absent',
    `No credential for ${provider} is stored for subject ${subject} (issuer ${issuer}). "mcp-credential-vault list" shows what is stored.`,
    { provider },
  )
}
