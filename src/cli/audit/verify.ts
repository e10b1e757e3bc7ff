import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { PUBLIC_KEY, publicKeyText } from '../../audit/line/audit-keys.ts'
import { parseSegmentName } from '../../audit/segments/segment-name.ts'
import { checkpointsIn } from '../../audit/verify/anchor-lines.ts'
import type { Finding } from '../../audit/verify/finding.ts'
import { type AuditReport, verifyLog } from '../../audit/verify/verify-log.ts'
import { verifyRecords } from '../../audit/verify/verify-records.ts'
import { fileLabel, shownPath } from '../../core/host/shown-path.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { withOperatorAccess } from '../operator/operator-access.ts'
import type { Command, ExitCode, Terminal } from '../terminal/command.ts'
import { counted } from '../terminal/table.ts'
import { auditFolder, folderOption, verifyingKeys } from './audit-folder.ts'

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'verify that the audit log is genuine and complete',
  parameters: [],
  usageExitCode: 3,
  failureExitCode: 4,
  options: {
    ...folderOption,
    key: { type: 'string', multiple: true, dashed: PUBLIC_KEY },
    anchors: { type: 'string' },
    store: { type: 'boolean' },
    'accept-unclosed': { type: 'string', multiple: true },
  },
  help: `
Usage: mcp-credential-vault audit verify [--folder PATH] [--key PUBLIC-KEY …] [--anchors FILE] [--store] [--json]

  --folder PATH              the log's folder, instead of the one that the environment names
  --key PUBLIC-KEY           as "audit key" prints it; more than one after a change of keys, the current one first. Default: the keys of this environment, with MCP_AUDIT_KEY_ACCEPTED
  --anchors FILE             checkpoints that an anchor has kept, also among other lines of a log collector
  --store                    compare with the stored credentials, too: needs the store that the environment names
  --accept-unclosed WRITER   a writer that is known to have crashed or to run on another machine; "all" for every one

Integrity and completeness are two verdicts: intact or tampered, complete or incomplete. Reads only, and may be run while the log is written.
Exit codes: 0 intact and complete, 1 tampered, 2 intact and incomplete, 3 wrong usage,
4 not verified: the log, its key, the store or the file of --anchors cannot be read.
`,
  async run(input, terminal) {
    const folder = await auditFolder(input, terminal)
    const keys = await verifyingKeys(input, terminal)
    const anchors = anchorsFrom(input.text('anchors'))
    const report = await verifyLog({
      folder,
      keys,
      anchors: anchors?.text,
      // An auditor's list may have them in another order than --key asks for.
      currentKey: input.texts('key').length === 0 && keys[0] ? publicKeyText(keys[0]) : undefined,
      acceptUnclosed: new Set(input.texts('accept-unclosed')),
      isRunning,
    })
    const whole = input.flag('store') ? await withRecords(report, folder, terminal) : report
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ ...whole, ...(anchors && { checkpoints: anchors.checkpoints }) })}\n`
        : shown(whole, anchors),
    )
    return exitCode(whole)
  },
}

interface Anchors {
  readonly path: string
  readonly text: string
  readonly checkpoints: number
}

/** @throws `configuration_invalid` for a file without checkpoints: the log would seem to have been compared */
function anchorsFrom(path: string | undefined): Anchors | undefined {
  if (path === undefined) return undefined
  const text = textOf(path)
  const checkpoints = checkpointsIn(text).length
  if (checkpoints > 0) return { path, text, checkpoints }
  throw anchorsProblem(
    `The file of ${fileLabel('--anchors', path)} holds no checkpoint: a line with "type":"audit.checkpoint".`,
  )
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    throw anchorsProblem(`The file of ${fileLabel('--anchors', path)} cannot be read.`)
  }
}

function anchorsProblem(problem: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `${problem} Pass the file that the anchor's checkpoints were written to.`,
    {
      reason: 'anchors_file',
    },
  )
}

/** Milliseconds. */
const CLOCKS_DIFFER = 2_000

export function isRunning({
  host,
  pid,
  at,
}: {
  readonly host: string
  readonly pid: number
  readonly at: string
}): boolean {
  if (host !== hostname()) return false
  try {
    process.kill(pid, 0)
    return !isYounger(pid, at)
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error && error.code === 'EPERM'
  }
}

/** Detects a process id that was reused. Works on Linux only: proc(5), `starttime` in clock ticks of a hundredth of a second. */
function isYounger(pid: number, at: string): boolean {
  try {
    // The process name, in parentheses, may hold any character.
    const [, fields = ''] = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
    const [, boot = ''] = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8')) ?? []
    const started = Number(boot) * 1000 + Number(fields.split(' ')[19]) * 10
    // Both clocks are truncated, and the wall clock may have been set since the system started.
    return started > Date.parse(at) + CLOCKS_DIFFER
  } catch {
    return false
  }
}

/** Lists the store and records that in the log. */
async function withRecords(report: AuditReport, folder: string, terminal: Terminal): Promise<AuditReport> {
  let findings: readonly Finding[] = []
  await withOperatorAccess(terminal, async ({ credentials, context }) => {
    findings = await verifyRecords(folder, credentials.list(context), report.removedBefore)
    return 0
  })
  return {
    ...report,
    integrity: findings.some(({ severity }) => severity === 'tampered') ? 'tampered' : report.integrity,
    completeness: findings.some(({ severity }) => severity === 'incomplete') ? 'incomplete' : report.completeness,
    findings: [...report.findings, ...findings],
  }
}

function exitCode({ integrity, completeness }: AuditReport): ExitCode {
  if (integrity === 'tampered') return 1
  return completeness === 'incomplete' ? 2 : 0
}

function shown({ integrity, completeness, lines, writers, findings }: AuditReport, anchors?: Anchors): string {
  const files = writers.reduce((sum, writer) => sum + writer.files, 0)
  return [
    ...findings.map(shownFinding),
    `${lines} lines of ${writers.length} processes in ${files} files`,
    ...(anchors
      ? [
          `compared with ${counted(anchors.checkpoints, 'checkpoint')} of ${shownPath(anchors.path) ?? 'the file of --anchors'}`,
        ]
      : []),
    `integrity:    ${integrity}`,
    `completeness: ${completeness}`,
    '',
  ].join('\n')
}

export function shownFinding({ severity, kind, file, line, offset, detail }: Finding): string {
  const place = [file, line === undefined ? '' : `line ${line}`, offset === undefined ? '' : `byte ${offset}`]
  const where = place.filter((part) => part !== undefined && part !== '').join(', ')
  return `${severity.padEnd(10)} ${kind}: ${detail}${where === '' ? '' : ` (${where})`}${nextStep(kind, file)}`
}

function nextStep(kind: Finding['kind'], file = ''): string {
  const writer = kind === 'unclosed' ? parseSegmentName(file)?.writer : undefined
  return writer === undefined ? '' : `. If that is known: --accept-unclosed ${writer}`
}
