import { type CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialStatus } from '../../core/ports/secret-backend.ts'
import { forEachOf } from '../operator/batch.ts'
import { failuresOf, failuresText } from '../operator/failures.ts'
import { type OperatorAccess, withOperatorAccess } from '../operator/operator-access.ts'
import type { ExitCode, Terminal } from '../terminal/command.ts'
import type { CommandInput } from '../terminal/command-line.ts'
import { counted, type Row, rowsTable } from '../terminal/table.ts'
import type { Entry } from './checked-rows.ts'

export const writeOptions = { replace: { type: 'boolean' }, 'dry-run': { type: 'boolean' } } as const

export const writeHelp = `
Everything is checked first: with one bad row nothing is written (2). A credential that is active already is kept, unless --replace is given;
a revoked one is replaced. What changes while the command runs is not overwritten. A failure does not stop the others (1), and is
explained below the table.
Values are taken from the input alone, and are never printed. The service is not asked about them.

  --replace   also replace credentials that are active
  --dry-run   check everything and list what would be written
`

type Planned = Entry & { readonly found: CredentialStatus; readonly writes: boolean }

/** Writes checked credentials and prints the result of each. Returns the exit code. */
export function writeEntries(
  entries: readonly Entry[],
  input: CommandInput,
  terminal: Terminal,
  notes: readonly string[] = [],
): Promise<ExitCode> {
  const dryRun = input.flag('dry-run')
  const replace = input.flag('replace')
  return withOperatorAccess(terminal, async (access) => {
    const planned = await plan(access, terminal, entries, replace)
    const errors: CredentialVaultError[] = []
    const rows = dryRun
      ? planned.map((one) => rowOf(one, wouldBe(one)))
      : await written(access, terminal, planned, replace, errors)
    const failed = rows.filter(({ error }) => error !== undefined).length
    const changed = rows.filter(({ error }) => error === 'conflict').length
    const count = (...results: string[]) => rows.filter(({ result = '' }) => results.includes(String(result))).length
    const kept = count('kept')
    const summary = {
      stored: count('stored', 'would be stored'),
      replaced: count('replaced', 'would be replaced'),
      kept,
      failed,
    }
    const text = [
      rowsTable(columns, rows),
      `${summary.stored} ${dryRun ? 'would be ' : ''}stored, ${summary.replaced} replaced, ${kept} kept, ${failed} failed.\n`,
      kept === 0
        ? ''
        : `${counted(kept, 'credential is', 'credentials are')} active already; --replace replaces them.\n`,
      changed === 0
        ? ''
        : `${counted(changed, 'credential', 'credentials')} changed since this command looked: see conflict. What is newer stays; running the command again replaces it.\n`,
      failuresText(errors),
      ...notes.map((note) => `${note}\n`),
      dryRun || summary.replaced === 0 ? '' : access.cacheNotice,
    ].join('')
    const shown = { dryRun, ...summary, credentials: rows, failures: failuresOf(errors), notes }
    terminal.out(input.flag('json') ? `${JSON.stringify(shown)}\n` : text)
    return failed === 0 ? 0 : 1
  })
}

const columns = ['row', 'provider', 'issuer', 'subject', 'result', 'error'] as const
type ResultRow = Row<(typeof columns)[number]>

function rowOf({ place, key }: Entry, result: string, error?: string): ResultRow {
  return { row: place, provider: key.provider, ...key.owner, result, error }
}

function wouldBe({ found, writes }: Planned): string {
  if (!writes) return 'kept'
  return found.status === 'active' ? 'would be replaced' : 'would be stored'
}

/** Asks for the state of each credential. An outage ends the command before anything is written. */
async function plan(
  { credentials, context }: OperatorAccess,
  terminal: Terminal,
  entries: readonly Entry[],
  replace: boolean,
): Promise<readonly Planned[]> {
  const outcomes = await forEachOf(terminal, 'check', entries, ({ key }) => credentials.status(key, context))
  return outcomes.map((outcome) => {
    if ('error' in outcome) throw outcome.error
    const found = outcome.result
    return { ...outcome.item, found, writes: replace || found.status !== 'active' }
  })
}

async function written(
  { credentials, context }: OperatorAccess,
  terminal: Terminal,
  planned: readonly Planned[],
  replace: boolean,
  errors: CredentialVaultError[],
): Promise<readonly ResultRow[]> {
  const outcomes = await forEachOf(terminal, 'store', planned, async ({ key, values, found, writes }) => {
    if (!writes) return 'kept'
    // A change that its owner has made since then is newer than the input.
    const expect = found.status === 'active' ? { version: found.version.ref } : 'absent'
    try {
      await credentials.save(key, values, context, { expect, labels: { unverified: true } })
      return found.status === 'active' ? 'replaced' : 'stored'
    } catch (error) {
      // The outcome is the same as if the owner had entered one before the command looked.
      if (!replace && isCredentialVaultError(error, 'conflict')) return 'kept'
      throw error
    }
  })
  return outcomes.map(({ item, ...end }) => {
    if ('result' in end) return rowOf(item, end.result)
    // A conflict has its own line, which says what running the command again does.
    if (end.error.code !== 'conflict') errors.push(end.error)
    return rowOf(item, 'failed', end.error.code)
  })
}
