import { CredentialVaultError } from '../../core/model/errors.ts'
import { meansProvider } from '../../core/model/storage-key.ts'
import { revokeEach, toBeRevoked } from '../../core/operations/provider-revocation.ts'
import { listAll } from '../../core/operations/stored-list.ts'
import { withBar } from '../operator/batch.ts'
import { failuresOf, failuresText } from '../operator/failures.ts'
import { ownerOptions, withOperatorAccess } from '../operator/operator-access.ts'
import { providerFromInput } from '../operator/provider-option.ts'
import type { ExitCode, Terminal } from '../terminal/command.ts'
import { Cancelled, type CommandInput, UsageError } from '../terminal/command-line.ts'
import { counted, rowsTable } from '../terminal/table.ts'

/** `revoke --all`: every credential of one provider, of all its accounts unless the name is that of one. */
export function revokeAll(input: CommandInput, terminal: Terminal): Promise<ExitCode> {
  const provider = providerFrom(input)
  const dryRun = input.flag('dry-run')
  if (!dryRun && !input.flag('yes') && !terminal.ask)
    throw new UsageError('there is no terminal to ask for confirmation; look with --dry-run, then add --yes')
  return withOperatorAccess(terminal, async (access) => {
    const { stored, damage } = await listAll(access.credentials, access.context)
    const found = stored.filter(({ key }) => meansProvider(provider, key.provider))
    const purge = input.flag('purge')
    const wanted = toBeRevoked(found, purge)
    if (found.length === 0) throw damage ?? noneOf(provider)
    if (!dryRun && !input.flag('yes')) await confirm(terminal, provider, wanted.length)
    const errors: CredentialVaultError[] = []
    const onFailure = (error: CredentialVaultError) => void errors.push(error)
    const rows = dryRun
      ? wanted.map(({ key }) => ({
          provider: key.provider,
          ...key.owner,
          result: 'would be revoked',
          error: undefined,
        }))
      : await withBar(terminal, 'revoke', (onDone) =>
          revokeEach(wanted, { ...access, purge, onFailure, onDone: (done) => onDone(done, wanted.length) }),
        )
    const failed = rows.filter(({ error }) => error !== undefined).length
    const { cacheSeconds, cacheNotice } = access
    const failures = failuresOf(errors)
    const shown = { provider, dryRun, purged: purge, credentials: rows, failed, failures, cacheSeconds }
    const already = found.length - wanted.length
    const text = [
      rowsTable(columns, rows),
      dryRun
        ? `${counted(wanted.length, 'credential')} of ${provider} would be revoked. Nothing was changed.\n`
        : `${counted(rows.length - failed, 'credential')} of ${provider} revoked.\n`,
      already === 0 ? '' : `${counted(already, 'credential was', 'credentials were')} revoked already.\n`,
      failed === 0
        ? ''
        : `${counted(failed, 'credential was', 'credentials were')} not revoked:\n${failuresText(errors)}`,
      dryRun ? '' : `The tokens still work at ${provider} itself: revoke them there as well.\n${cacheNotice}`,
    ].join('')
    terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : text)
    if (damage) throw damage
    return failed === 0 ? 0 : 1
  })
}

const columns = ['provider', 'issuer', 'subject', 'result', 'error'] as const

function providerFrom(input: CommandInput): string {
  if (Object.keys(ownerOptions).some((option) => input.text(option) !== undefined))
    throw new UsageError('--all takes no --issuer and --subject; "offboard" revokes all credentials of one owner')
  return providerFromInput(input)
}

async function confirm(terminal: Terminal, provider: string, count: number): Promise<void> {
  const question = `Revoke ${counted(count, 'credential')} of ${provider}? Type ${provider} to confirm: `
  if ((await terminal.ask?.(question))?.trim() !== provider) throw new Cancelled()
}

function noneOf(provider: string): CredentialVaultError {
  return new CredentialVaultError(
    'credential_absent',
    `No credential for ${provider} is stored. "mcp-credential-vault list" shows what is stored.`,
    { provider },
  )
}
