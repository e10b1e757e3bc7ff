import { createHash } from 'node:crypto'
import { isJsonObject, parsedJson } from '../../core/model/json.ts'
import { readListedLines } from '../bulk/owners-file.ts'
import { providerFromInput } from '../operator/provider-option.ts'
import type { ReadRow } from '../provision/row.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import { counted } from '../terminal/table.ts'
import type { Fernet } from './fernet.ts'

/** Entries of mcp-authkit by the SHA-256 of `sub`, in hex. It stores nothing else about their owner. */
export type SealedEntries = ReadonlyMap<string, { readonly token: string; readonly place: string }>

export interface AuthkitOwners {
  readonly provider: string
  readonly issuer: string
  readonly subjects: readonly string[]
}

export const authkitOptions = {
  provider: { type: 'string' },
  issuer: { type: 'string' },
  subjects: { type: 'string' },
  namespace: { type: 'string' },
} as const

export const authkitHelp = `
  --provider NAME     the provider, which is also the old store's namespace, unless --namespace NAME says otherwise (--namespace= for none)
  --issuer URL        the issuer whose "sub" the old server used
  --subjects FILE     the subjects that issuer knows, one per line. The old store has only their hashes, so the names cannot be read from it

The key comes from STORAGE_ENCRYPTION_KEY or STORAGE_ENCRYPTION_KEY_PATH, as for the old server.
`

/** mcp-authkit did not check this, so no import can. */
export const AUTHKIT_NOTE =
  "mcp-authkit let anyone who had the link fill in the form. An imported value may be another person's: see docs/migrating-from-mcp-authkit.md."

/** The subject that mcp-authkit 0.3.0 gives to every token without `sub` and `preferred_username`. */
const EVERYBODY = 'unknown'

/** @throws UsageError for a missing option or a subjects file that cannot be used */
export async function authkitOwners(input: CommandInput): Promise<AuthkitOwners> {
  const provider = providerFromInput(input)
  const issuer = input.text('issuer')
  if (issuer === undefined) throw new UsageError('--issuer is required: mcp-authkit stored "sub" without its issuer')
  const file = input.text('subjects')
  if (file === undefined)
    throw new UsageError(
      '--subjects is required: mcp-authkit stored only hashes of "sub", so the names have to be given',
    )
  const lines = await readListedLines(file, '--subjects')
  const shared = lines.find(({ text }) => text === EVERYBODY)
  if (shared)
    throw new UsageError(
      `${shared.place} is "${EVERYBODY}", which mcp-authkit shared between all users whose token had no name. Leave it out`,
    )
  return { provider, issuer, subjects: [...new Set(lines.map(({ text }) => text))] }
}

/** Finds the entry of each subject and opens it. `unmatched` counts the entries whose owner is not on the list. */
export function authkitRows(
  entries: SealedEntries,
  { provider, issuer, subjects }: AuthkitOwners,
  key: Fernet,
): { readonly rows: readonly ReadRow[]; readonly unmatched: number } {
  const rows = subjects.flatMap((subject): ReadRow[] => {
    const entry = entries.get(hashOf(subject))
    if (!entry) return []
    const { place } = entry
    const fields = fieldsIn(key.open(entry.token))
    if (fields === undefined) return [{ place, problem: 'cannot be opened: another key, or a damaged entry' }]
    if (fields === 'not_fields')
      return [{ place, problem: 'holds no form fields; OAuthProvider tokens are not imported' }]
    return [{ place, provider, issuer, subject, fields }]
  })
  return { rows, unmatched: entries.size - rows.length }
}

export function unmatchedNote(unmatched: number): readonly string[] {
  if (unmatched === 0) return []
  return [`${counted(unmatched, 'entry belongs', 'entries belong')} to nobody in --subjects. Not imported.`]
}

function hashOf(subject: string): string {
  return createHash('sha256').update(subject).digest('hex')
}

function fieldsIn(plaintext: Buffer | undefined): ReadonlyMap<string, string> | 'not_fields' | undefined {
  if (!plaintext) return undefined
  const json = parsedJson(plaintext.toString('utf8'))
  if (json === undefined) return undefined
  if (!isJsonObject(json)) return 'not_fields'
  const fields = Object.entries(json)
  const texts = fields.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  if (texts.length < fields.length || Object.hasOwn(json, 'access_token')) return 'not_fields'
  // An optional field that was left empty is "" there, and absent here.
  return new Map(texts.filter(([, value]) => value !== ''))
}
