import { readFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { mergedLines } from '../../audit/query/merged-lines.ts'
import type { BackendLog } from '../../audit/reconcile/backend-log.ts'
import { readCloudTrail } from '../../audit/reconcile/cloudtrail.ts'
import { readHashicorpVaultLog } from '../../audit/reconcile/hashicorp-vault-log.ts'
import { type Reconciliation, reconcile } from '../../audit/reconcile/reconcile.ts'
import { fileLabel } from '../../core/host/shown-path.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { withoutEmpty } from '../../vault/environment/environment.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { counted, table } from '../terminal/table.ts'
import { folderOption } from './audit-folder.ts'
import { openReading } from './reading.ts'

const DEFAULT_PREFIX = 'mcp'

export const auditReconcile: Command = {
  name: 'audit reconcile',
  summary: "compare the audit log with Vault's or AWS's own, and show what only one of them has",
  parameters: [],
  failureExitCode: 4,
  options: {
    ...folderOption,
    'vault-log': { type: 'string' },
    cloudtrail: { type: 'string' },
    mount: { type: 'string' },
    prefix: { type: 'string' },
    margin: { type: 'string' },
  },
  help: `
Usage: mcp-credential-vault audit reconcile --vault-log FILE | --cloudtrail FILE [--json]

  --vault-log FILE    the file of an audit device of Vault or OpenBao
  --cloudtrail FILE   a file that CloudTrail delivered (.json or .json.gz), or the output of "aws cloudtrail lookup-events"
  --mount NAME        of the secret engine. Default: as for the server, VAULT_KV_MOUNT, else secret
  --prefix PATH       of our secrets in it. Default: as for the server, else ${DEFAULT_PREFIX}
  --margin SECONDS    at both ends of that file, in which a request of ours may be in the file before or after. Default 5
  --folder PATH       the audit log's folder, instead of the one that the environment names

Prints each access to a secret that only the backend's log has, and each request of ours that it lacks.
Exit codes: 0 both logs agree, 1 only one side knows of something, 2 wrong usage, 4 not compared: a log cannot be read.
`,
  async run(input, terminal) {
    const margin = Number(input.text('margin') ?? '5')
    if (!(margin >= 0 && margin <= 3600)) throw new UsageError('--margin takes 0 to 3600 seconds')
    const source = sourceFrom(input, terminal)
    const backendLog = await readBackendLog(source)
    const { folder } = await openReading(input, terminal, 'reconcile')
    const result = await reconcile(mergedLines(folder), backendLog, margin * 1000)
    const { entries, accesses } = backendLog
    const compared = { entries, accesses: accesses.length }
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ ...compared, ...result })}\n`
        : `${counted(entries, 'entry', 'entries')} of ${source.path}, ${counted(accesses.length, 'access', 'accesses')} to secrets below ${source.below}\n${shown(result)}`,
    )
    return result.onlyBackend.length + result.onlyOurs.length === 0 ? 0 : 1
  },
}

interface Source {
  readonly option: '--vault-log' | '--cloudtrail'
  readonly path: string
  /** Location of our secrets. */
  readonly below: string
  read(): Promise<BackendLog>
}

function sourceFrom(input: CommandInput, terminal: Terminal): Source {
  const [vaultLog, cloudTrail] = [input.text('vault-log'), input.text('cloudtrail')]
  const environment = withoutEmpty(terminal.environment)
  if (vaultLog !== undefined && cloudTrail === undefined) {
    const mount = input.text('mount') ?? environment['VAULT_KV_MOUNT'] ?? 'secret'
    const prefix = input.text('prefix') ?? environment['VAULT_KV_PREFIX'] ?? DEFAULT_PREFIX
    const read = () => readHashicorpVaultLog(vaultLog, mount, prefix)
    return { option: '--vault-log', path: vaultLog, below: `${mount}/${prefix}`, read }
  }
  if (cloudTrail !== undefined && vaultLog === undefined) {
    const prefix = input.text('prefix') ?? environment['MCP_AWS_PREFIX'] ?? DEFAULT_PREFIX
    const read = async () => readCloudTrail(await unpacked(cloudTrail), prefix)
    return { option: '--cloudtrail', path: cloudTrail, below: prefix, read }
  }
  throw new UsageError('it takes one of --vault-log and --cloudtrail')
}

async function unpacked(path: string): Promise<string> {
  const bytes = await readFile(path)
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString('utf8')
}

/** @throws `configuration_invalid` for a file without entries: both logs would seem to agree */
async function readBackendLog({ option, path, read }: Source): Promise<BackendLog> {
  const log = await read().catch((error: unknown) => {
    if (typeof error === 'object' && error !== null && 'errno' in error)
      throw logProblem(`The file of ${fileLabel(option, path)} cannot be read.`)
    throw error
  })
  if (log.entries > 0) return log
  throw logProblem(`The file of ${fileLabel(option, path)} holds no entry of the backend's own log.`)
}

function logProblem(problem: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', `${problem} Pass a file that the backend wrote.`, {
    reason: 'backend_log_file',
  })
}

function shown({ byRequestId, byCorrelationId, onlyBackend, onlyOurs }: Reconciliation): string {
  const theirs = onlyBackend.map(({ at, operation, who, refused, requestId }) => ({
    time: at,
    operation,
    who,
    refused: refused ? 'refused' : '',
    request: requestId,
  }))
  const ours = onlyOurs.map(({ at, type, provider, requestId, correlationId }) => ({
    time: at,
    type,
    provider,
    request: requestId,
    correlation: correlationId,
  }))
  return [
    `${byRequestId} accesses are in both logs by request id, ${byCorrelationId} more by correlation id alone.\n`,
    theirs.length === 0
      ? "Every access to a secret in the backend's log is from this server.\n"
      : `${theirs.length} accesses are only in the backend's log:\n${table(['time', 'operation', 'who', 'refused', 'request'], theirs)}`,
    ours.length === 0
      ? "Every request of this server is in the backend's log.\n"
      : `${ours.length} requests of this server are not in the backend's log:\n${table(['time', 'type', 'provider', 'request', 'correlation'], ours)}`,
  ].join('')
}
