import { CredentialVaultError } from '../../core/model/errors.ts'
import type { StoredCredential } from '../../core/ports/secret-backend.ts'
import { forEachOf } from '../operator/batch.ts'
import { cacheNotice } from '../operator/cache-notice.ts'
import { type OperatorAccess, ownerOptions, withOperatorAccess } from '../operator/operator-access.ts'
import { providerFromInput } from '../operator/provider-option.ts'
import { listStored, type Row, rowsTable } from '../operator/stored-credentials.ts'
import type { ExitCode, Terminal } from '../terminal/command.ts'
import { Cancelled, type CommandInput, UsageError } from '../terminal/command-line.ts'
import { counted } from '../terminal/table.ts'

/** `revoke --all`: every credential of one provider. */
export function revokeAll(input: CommandInput, terminal: Terminal): Promise<ExitCode> {
  const provider = providerFrom(input)
  const dryRun = input.flag('dry-run')
  if (!dryRun && !input.flag('yes') && !terminal.ask)
    throw new UsageError('there is no terminal to ask for confirmation; look with --dry-run, then add --yes')
  return withOperatorAccess(terminal, async (access) => {
    const { stored, damage } = await listStored(access)
    const found = stored.filter(({ key }) => key.provider === provider)
    const purge = input.flag('purge')
    const wanted = found.filter(({ status }) => status.status === 'active' || purge)
    if (found.length === 0) throw damage ?? noneOf(provider)
    if (!dryRun && !input.flag('yes')) await confirm(terminal, provider, wanted.length)
    const rows = dryRun
      ? wanted.map(({ key }) => rowOf(key, 'would be revoked'))
      : await revoked(access, terminal, wanted, purge)
    const failed = rows.filter(({ error }) => error !== undefined).length
    const shown = { provider, dryRun, purged: purge, credentials: rows, failed, cacheSeconds: access.cacheSeconds }
    const already = found.length - wanted.length
    const text = [
      rowsTable(columns, rows),
      dryRun
        ? `${counted(wanted.length, 'credential')} of ${provider} would be revoked. Nothing was changed.\n`
        : `${counted(rows.length - failed, 'credential')} of ${provider} revoked.\n`,
      already === 0 ? '' : `${counted(already, 'credential was', 'credentials were')} revoked already.\n`,
      failed === 0
        ? ''
        : `${counted(failed, 'credential was', 'credentials were')} not revoked: run the command again.\n`,
      dryRun
        ? ''
        : `The tokens still work at ${provider} itself: revoke them there as well.\n${cacheNotice(access.cacheSeconds)}`,
    ].join('')
    terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : text)
    if (damage) throw damage
    return failed === 0 ? 0 : 1
  })
}

const columns = ['provider', 'issuer', 'subject', 'result', 'error'] as const

function rowOf(
  { provider, owner }: StoredCredential['key'],
  result: string,
  error?: string,
): Row<(typeof columns)[number]> {
  return { provider, ...owner, result, ...(error !== undefined && { error }) }
}

async function revoked(
  { credentials, context }: OperatorAccess,
  terminal: Terminal,
  wanted: readonly StoredCredential[],
  purge: boolean,
) {
  const outcomes = await forEachOf(terminal, 'revoke', wanted, ({ key }) => credentials.revoke(key, { purge }, context))
  return outcomes.map(({ item: { key }, ...end }) =>
    'error' in end ? rowOf(key, 'failed', end.error.code) : rowOf(key, purge ? 'purged' : 'revoked'),
  )
}

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
