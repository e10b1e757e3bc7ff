import type { CredentialVaultError } from '../../core/model/errors.ts'
import type { Owner } from '../../core/model/owner.ts'
import type { Offboarded as ServerOffboarded } from '../../core/operations/offboarding.ts'
import type { RevokedCredential } from '../../core/operations/owner-revocation.ts'
import { type Failure, failuresText, mayPassByCode } from '../operator/failures.ts'
import { cell, counted, rowsTable } from '../terminal/table.ts'
import type { Remaining } from './remaining.ts'

export interface Offboarded extends Owner {
  readonly dryRun: boolean
  readonly credentials: readonly RevokedCredential[]
  /** How many credentials, of all owners, the backend's list named. */
  readonly listed: number
  /** Why the list may lack some of the owner's credentials. */
  readonly listError?: string
  /** Present with `listError`: providers of other owners' credentials. If `damaged`, the damaged record is that of this owner's credential. */
  readonly notListed?: readonly { readonly provider: string; readonly damaged: boolean }[]
  /** Each kind of error once. */
  readonly failures: readonly Failure[]
  /** Present with `listError`: providers that were named, whose named accounts could not be looked for. */
  readonly undeclared?: readonly string[]
  /** Places that this command has ended on all running servers. */
  readonly ended: readonly Remaining['what'][]
  /** Places that may still hold a value or a sign-in, each with its end. */
  readonly remaining: readonly Remaining[]
}

const HELD: Readonly<Record<Remaining['what'], string>> = {
  cached_values: 'values in the cache of running servers',
  open_calls: 'tool calls that are running now, until they end',
  browser_sessions: "the owner's sign-in at the form of running servers, which can save a new credential",
  pending_links: 'links to the form that wait for the owner',
}

const NOT_ENDED: Readonly<Record<string, string>> = {
  caches: 'cached values and running calls of other replicas, which could not be told',
}

const RESULTS: Readonly<Record<RevokedCredential['result'], string>> = {
  revoked: 'revoked',
  purged: 'purged',
  already_revoked: 'revoked already',
  absent: 'none stored',
  would_be_revoked: 'would be revoked',
  failed: 'FAILED',
}

/** Formats the result for people: what was done, what is left here, and what is left at the services. */
export function offboardText(done: Offboarded, errors: readonly CredentialVaultError[]): string {
  const { dryRun, listError, undeclared = [], ended, remaining } = done
  if (listError === undefined && !isFound(done)) {
    const running = [failuresText(errors), endedText(ended), notChecked, ...remaining.map(remainingLine)]
    return [nothingText(done), ...(dryRun ? [] : running)].join('')
  }
  return [
    revokedText(done, listError === undefined),
    failedText(done),
    listError === undefined ? '' : notListedText(listError, done),
    undeclared.map(undeclaredLine).join(''),
    failuresText(errors),
    dryRun ? 'Nothing was changed.\n' : leftText(done),
    endedText(ended),
    ...(dryRun ? [] : ['Not ended from here:\n', ...remaining.map(remainingLine)]),
    dryRun ? '' : advice,
  ].join('')
}

function endedText(ended: Offboarded['ended']): string {
  return ended.length === 0
    ? ''
    : ['Ended on all running servers:\n', ...ended.map((what) => `  ${HELD[what]}\n`)].join('')
}

/** Formats what the running server did. */
export function serverOffboardText(done: ServerOffboarded): string {
  const left = done.left.filter(({ what }) => what !== 'credential')
  return [
    done.left.length === 0 && !isFound(done)
      ? nothingText(done)
      : revokedText(
          done,
          done.left.every(({ what }) => what !== 'credential_list'),
        ),
    failedText(done, done.credentials.some(({ error }) => mayPassByCode(error)) ? AGAIN : SEE_LOG),
    ...left.map(
      ({ what, error }) =>
        `Not ended: ${NOT_ENDED[what] ?? what.replace('_', ' ')} (${error}). Run the command again.\n`,
    ),
    done.dryRun ? 'Nothing was changed.\n' : leftText(done),
    done.dryRun || done.left.length > 0
      ? ''
      : "The server has ended the owner's sessions, links, waiting calls and cached values.\n",
  ].join('')
}

/** Whether the backend had anything of the owner, a mark of a revocation included. */
export function isFound({ credentials }: Pick<Offboarded, 'credentials'>): boolean {
  return credentials.some(({ result }) => result !== 'absent')
}

function nothingText({
  issuer,
  subject,
  credentials,
  listed,
}: Owner & Pick<Offboarded, 'credentials' | 'listed'>): string {
  const named = credentials.map(({ provider }) => provider)
  return [
    `Nothing was found for ${cell(`${subject} (issuer ${issuer})`)}. "list" shows how issuers and subjects are written.\n`,
    `Checked: the backend's list, with ${counted(listed, 'credential')} of all owners`,
    named.length === 0 ? '.\n' : `; and by name ${named.join(', ')}.\n`,
  ].join('')
}

const notChecked = 'Not checked, since running servers keep it in memory (with --server the server itself ends it):\n'

function revokedText(
  { issuer, subject, credentials }: Owner & Pick<Offboarded, 'credentials'>,
  isComplete: boolean,
): string {
  const rows = credentials.map(({ provider, result, error, accountName }) => ({
    provider,
    accountName,
    result: RESULTS[result],
    error,
  }))
  const owner = cell(`${subject} (issuer ${issuer})`)
  return rows.length === 0
    ? `No credential of ${owner} ${isComplete ? 'is stored. "list" shows what is stored' : 'was found'}.\n`
    : rowsTable(['provider', 'accountName', 'result', 'error'], rows)
}

const AGAIN = ': run the command again'
const SEE_LOG = ". The server's audit log has the reason; run the command again once that is put right"

function failedText({ credentials }: Pick<Offboarded, 'credentials'>, advice = ''): string {
  const failed = credentials.filter(({ result }) => result === 'failed').length
  return failed === 0 ? '' : `${counted(failed, 'credential was', 'credentials were')} not revoked${advice}.\n`
}

function notListedText(listError: string, { notListed = [] }: Pick<Offboarded, 'notListed'>): string {
  const start = `The list of credentials could not be read to its end (${listError}): others may be left. `
  const damaged = notListed.filter((one) => one.damaged).map(({ provider }) => provider)
  if (damaged.length > 0)
    return `${start}The damaged record is this owner's for ${damaged.join(', ')}: add --providers ${damaged.join(',')}.\n`
  if (notListed.length === 0) return `${start}Name the providers of your tools with --providers.\n`
  const names = notListed.map(({ provider }) => provider)
  return `${start}Of the providers that others use, these are not in the table: add --providers ${names.join(',')}.\n`
}

function undeclaredLine(provider: string): string {
  return `Of ${provider}, only the account without a name was looked for. Name the others, as in --providers ${provider},${provider}@work, or give --tools.\n`
}

const advice = `Restart the servers, or wait, and then run the command again: it revokes what was saved in the meantime.
Disable the account at the identity provider first, if you have not: an access token works until it expires.
`

function leftText({ credentials }: Pick<Offboarded, 'credentials'>): string {
  const services = credentials.filter(({ result }) => result !== 'absent')
  if (services.length === 0) return ''
  const lines = services.map(
    ({ provider, accountName }) => `  ${provider}${accountName === undefined ? '' : `, as ${cell(accountName)}`}\n`,
  )
  return `Delete the tokens at the services too. They still work there:\n${lines.join('')}`
}

function remainingLine({ what, until, variable }: Remaining): string {
  return `  ${HELD[what]}${until === undefined ? '' : `, until ${until} (${variable})`}\n`
}
