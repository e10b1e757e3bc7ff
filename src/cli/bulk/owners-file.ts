import { readFile } from 'node:fs/promises'
import { fileLabel } from '../../core/host/shown-path.ts'
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
  /** For errors, e.g. `--owners (people.txt): line 3`. */
  readonly place: string
}

/** @throws UsageError for a file that cannot be read or has no line: everything would look as if it were gone */
export async function readListedLines(file: string, option: string): Promise<readonly Line[]> {
  const source = fileLabel(option, file)
  const bytes = await readFile(file).catch(() => {
    throw new UsageError(`${source} names a file that cannot be read`)
  })
  const lines = utf8(bytes, source)
    .split('\n')
    .map((line, at) => ({ text: line.trim(), place: `${source}: line ${at + 1}` }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
  if (lines.length === 0) throw new UsageError(`${source}: the file is empty`)
  return lines
}

function fromWords(text: string): Owner | undefined {
  const [, issuer, subject] = /^(\S+)\s+(.+)$/.exec(text) ?? []
  return issuer === undefined || subject === undefined ? undefined : { issuer, subject }
}
