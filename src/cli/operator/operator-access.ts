import { userInfo } from 'node:os'
import { type AccessLog, createAccessLog } from '../../core/credentials/access-log.ts'
import { createBackendCalls } from '../../core/credentials/backend-calls.ts'
import { type CredentialAdmin, createCredentialAdmin } from '../../core/credentials/credential-admin.ts'
import { type CredentialWriter, createCredentialWriter } from '../../core/credentials/credential-writer.ts'
import { sodiumReady } from '../../core/crypto/sodium.ts'
import { createHealth } from '../../core/journal/health.ts'
import { createJournal } from '../../core/journal/journal.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { type StorageKey, storageKey } from '../../core/model/storage-key.ts'
import type { AccessContext } from '../../core/ports/access-context.ts'
import { createStores } from '../../vault/environment/create-stores.ts'
import type { ExitCode, Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { cacheSecondsOf } from './cache-notice.ts'
import { openAudit } from './open-audit.ts'
import { warnOfUnknownVariables } from './unknown-variables.ts'

/** Operations of an operator on stored credentials. None of them releases a value. */
export interface OperatorCredentials extends CredentialAdmin, CredentialWriter {
  /** Records something about the credential, durably. Throws `audit_unavailable`. */
  record(...line: Parameters<AccessLog['grant']>): Promise<void>
}

/** Parts that an operator's command uses: the server's own interfaces, and a separate audit chain next to the server's. */
export interface OperatorAccess {
  readonly credentials: OperatorCredentials
  readonly context: AccessContext
  /** How long a server that runs may go on with what this command changes. */
  readonly cacheSeconds: number
}

export async function withOperatorAccess(
  terminal: Terminal,
  work: (access: OperatorAccess) => Promise<ExitCode>,
): Promise<ExitCode> {
  warnOfUnknownVariables(terminal)
  const stores = createStores(terminal.environment, { create: false, stdout: process.stderr })
  const { backend, audit, pendingStore } = stores
  const warn = (problem: string) => terminal.error(`mcp-credential-vault: ${problem}\n`)
  const health = createHealth(warn)
  const journal = createJournal({ audit, health, warn })
  await sodiumReady()
  try {
    await backend.open()
    await openAudit(stores, terminal.environment).catch((error: unknown) => {
      if (!isFolderTrouble(error)) throw error
      // A revocation proceeds without its line; everything else is refused when it writes its own.
      warn(error.message)
    })
    const context = {
      correlationId: newCorrelationId(),
      actor: operator(),
    }
    const log = createAccessLog(journal, backend.name)
    const doors = { backend, log, calls: createBackendCalls({ name: backend.name, health }) }
    const record: OperatorCredentials['record'] = async (...line) => void (await log.grant(...line))
    const credentials = { ...createCredentialAdmin(doors), ...createCredentialWriter(doors), record }
    const cacheSeconds = cacheSecondsOf(backend, terminal.environment)
    return await work({ credentials, context, cacheSeconds })
  } finally {
    // The log is closed whatever the others do, or it would look like that of a process that was killed.
    await Promise.allSettled([backend.close(), pendingStore.shutdown(), journal.close()])
    await audit.close()
  }
}

/** A wrong key is no trouble of the folder: the operator has to correct it first. */
function isFolderTrouble(error: unknown): error is CredentialVaultError {
  if (isCredentialVaultError(error, 'configuration_invalid')) return error.reason?.startsWith('folder_') ?? false
  return isCredentialVaultError(error, 'unavailable', 'forbidden', 'audit_unavailable')
}

/** Who is at the command line, for the audit log. */
export function operator() {
  return { kind: 'operator', account: accountName() } as const
}

function accountName(): string {
  try {
    return userInfo().username
  } catch {
    // Containers run as numbers that no account has.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

export const ownerOptions = { issuer: { type: 'string' }, subject: { type: 'string' } } as const

/** The credential that `PROVIDER --issuer … --subject …` names. */
export function keyFromInput(input: CommandInput): StorageKey {
  const [provider = ''] = input.parameters
  const issuer = input.text('issuer')
  const subject = input.text('subject')
  if (issuer === undefined || subject === undefined)
    throw new UsageError("--issuer and --subject are required: they name the credential's owner")
  return storageKey(provider, { issuer, subject })
}

/** The credential in a sentence, with everything that may have been mistyped. */
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
