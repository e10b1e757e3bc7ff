import type { KeyObject } from 'node:crypto'
import { PUBLIC_KEY } from '../../audit/line/audit-keys.ts'
import type { FoundHead } from '../../audit/line/log-events.ts'
import { type AuditReport, verifyLog } from '../../audit/verify/verify-log.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { auditFromEnvironment } from '../../vault/environment/audit-from-environment.ts'
import { createStores } from '../../vault/environment/create-stores.ts'
import { openAudit } from '../operator/open-audit.ts'
import type { Command, Terminal } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import { counted } from '../terminal/table.ts'
import { auditFolder, givenPublicKey, ownAuditKeys } from './audit-folder.ts'
import { isRunning, shownFinding } from './verify.ts'

export const auditRetire: Command = {
  name: 'audit retire',
  summary: 'record that a replaced key of the audit log no longer signs',
  parameters: [],
  options: { key: { type: 'string', dashed: PUBLIC_KEY }, 'accept-unclosed': { type: 'string', multiple: true } },
  help: `
Usage: mcp-credential-vault audit retire --key PUBLIC-KEY [--accept-unclosed WRITER …] [--json]

  --key PUBLIC-KEY           of MCP_AUDIT_KEY_ACCEPTED, as "audit key" printed it while it was the current key
  --accept-unclosed WRITER   a writer that is known to have crashed; "all" for every one

Run it with the server's environment once no process signs with that key. It verifies the log, then records where each file of that key
ends, signed with the current key. "audit verify" reports whatever the retired key signs later as tampering.
`,
  async run(input, terminal) {
    const text = input.text('key')
    if (text === undefined) throw new UsageError('--key is required: a public key as "audit key" prints it')
    const retiring = givenPublicKey(text)
    const folder = await auditFolder(input, terminal)
    const [current, ...accepted] = await ownAuditKeys(terminal)
    if (!current || text === current.publicKey) throw refused('it is the current key. Set the new key first', text)
    if (!accepted.some(({ publicKey }) => publicKey === text))
      throw refused('it is not among MCP_AUDIT_KEY_ACCEPTED. List it there', text)
    const acceptUnclosed = new Set(input.texts('accept-unclosed'))
    const keys = [current, ...accepted].map(({ verifyingKey }) => verifyingKey)
    const report = await verifyLog({ folder, keys, acceptUnclosed, isRunning })
    checkLog(report, text, acceptUnclosed, terminal)
    const heads = await recordRetirement(terminal, retiring)
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ retired: text, key: current.publicKey, logs: heads.length })}\n`
        : `Key ${text} is retired: it signed ${counted(heads.length, 'log')}, and signs nothing more. Key ${current.publicKey} signs the log.\n`,
    )
    return 0
  },
}

/** @throws `conflict` for a log whose state must not be recorded as the last that the key signed */
function checkLog(report: AuditReport, key: string, accepted: ReadonlySet<string>, terminal: Terminal): void {
  const bad = report.findings.filter(({ severity }) => severity === 'tampered')
  if (bad.length > 0) {
    for (const one of bad) terminal.error(`${shownFinding(one)}\n`)
    throw refused('the log was tampered with. Find out by whom, and keep a copy', key)
  }
  const at = report.keys.find((one) => one.key === key)?.retiredAt
  if (at !== undefined) throw refused(`it was retired at ${at} already`, key)
  for (const { writer, state, key: signer } of report.writers) {
    if (signer !== key || state === 'closed' || state === 'failed') continue
    if (state === 'unclosed' && (accepted.has(writer) || accepted.has('all'))) continue
    const next =
      state === 'open'
        ? 'Restart that process with the new key'
        : `If its process has ended: --accept-unclosed ${writer}`
    throw refused(`writer ${writer} has not closed its log. ${next}`, key)
  }
}

function refused(problem: string, key: string): CredentialVaultError {
  return new CredentialVaultError('conflict', `Key ${key} was not retired: ${problem}.`, { reason: 'key_in_use' })
}

async function recordRetirement(terminal: Terminal, key: KeyObject): Promise<readonly FoundHead[]> {
  const { environment } = terminal
  const stores = createStores(environment, { create: false, stdout: process.stderr })
  const audit = auditFromEnvironment(environment, { stdout: process.stderr })
  try {
    await openAudit({ backend: stores.backend, audit }, environment)
    return await audit.retireKey(key)
  } finally {
    await Promise.allSettled([stores.backend.close(), stores.pendingStore.shutdown(), stores.audit.close()])
    await audit.close()
  }
}
