import { readFile } from 'node:fs/promises'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import { parsedJson } from '../../core/model/json.ts'
import { checkOwner, type Owner } from '../../core/model/owner.ts'
import { UsageError } from '../terminal/command-line.ts'
import { utf8 } from '../terminal/read-input.ts'

/**
 * Reads owners from a file, one per line: `ISSUER SUBJECT`, or a JSON object. Empty lines and lines that begin with `#` are left out.
 *
 * @throws UsageError that names the line
 */
export async function ownersIn(file: string): Promise<readonly Owner[]> {
  const lines = await readListedLines(file, '--owners')
  return lines.map(({ text, place }) => {
    const owner = text.startsWith('{') ? (parsedJson(text) as Owner | undefined) : fromWords(text)
    try {
      if (owner) return checkOwner(owner)
    } catch (error) {
      if (!isCredentialVaultError(error)) throw error
    }
    throw new UsageError(`${place} is not an owner; write ISSUER SUBJECT, or {"issuer":"…","subject":"…"}`)
  })
}

export interface Line {
  readonly text: string
  /** For errors, e.g. `--owners: line 3 of people.txt`. */
  readonly place: string
}

/** @throws UsageError for a file that cannot be read or has no line: everything would look as if it were gone */
export async function readListedLines(file: string, option: string): Promise<readonly Line[]> {
  const bytes = await readFile(file).catch(() => {
    throw new UsageError(`${option} names a file that cannot be read`)
  })
  const lines = utf8(bytes, `${option}: ${file}`)
    .split('\n')
    .map((line, at) => ({ text: line.trim(), place: `${option}: line ${at + 1} of ${file}` }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
  if (lines.length === 0) throw new UsageError(`${option}: ${file} is empty`)
  return lines
}

function fromWords(text: string): Owner | undefined {
  const [, issuer, subject] = /^(\S+)\s+(.+)$/.exec(text) ?? []
  return issuer === undefined || subject === undefined ? undefined : { issuer, subject }
}
