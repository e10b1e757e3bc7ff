import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileLabel } from '../../core/host/shown-path.ts'
import { entriesFrom, fieldHelp, fieldOptions } from '../provision/entries-from-rows.ts'
import { writeEntries, writeHelp, writeOptions } from '../provision/write-entries.ts'
import type { Command } from '../terminal/command.ts'
import { type CommandInput, UsageError } from '../terminal/command-line.ts'
import {
  AUTHKIT_NOTE,
  authkitHelp,
  authkitOptions,
  authkitOwners,
  authkitRows,
  type SealedEntries,
  unmatchedNote,
} from './authkit-entries.ts'
import { authkitKey } from './authkit-key.ts'

export const importAuthkitFiles: Command = {
  name: 'import authkit-files',
  summary: 'import the file store of mcp-authkit 0.3.0',
  parameters: [],
  options: { folder: { type: 'string' }, ...authkitOptions, ...fieldOptions, ...writeOptions },
  help: `
Usage: mcp-credential-vault import authkit-files --provider NAME --issuer URL --subjects FILE [--folder FOLDER] [--namespace NAME]
         [--tools MODULE | --type FIELD=TYPE …] [--replace] [--dry-run] [--json]

Imports credentials that CredentialsProvider of mcp-authkit 0.3.0 stored with TOKEN_STORAGE_MODE=file. It changes nothing in the old store.

  --folder FOLDER     the old FILE_STORAGE_PATH; default that variable
${authkitHelp.trimStart()}${fieldHelp}${writeHelp}`,
  async run(input, terminal) {
    const owners = await authkitOwners(input)
    const key = authkitKey(terminal)
    const folder = folderFrom(input, terminal.environment, owners.provider)
    const { rows, unmatched } = authkitRows(await entriesIn(folder), owners, key)
    const notes = [...unmatchedNote(unmatched), AUTHKIT_NOTE]
    return writeEntries(await entriesFrom(rows, input), input, terminal, notes)
  },
}

function folderFrom(input: CommandInput, environment: NodeJS.ProcessEnv, provider: string): string {
  const folder = input.text('folder') ?? environment['FILE_STORAGE_PATH']
  if (folder === undefined || folder === '')
    throw new UsageError('--folder is required: it names the old FILE_STORAGE_PATH')
  return join(folder, 'tokens', input.text('namespace') ?? provider)
}

/** `{sha256(sub)}.enc`, each a Fernet token. */
const FILE = /^([0-9a-f]{64})\.enc$/
/** Far more than a form's fields take. */
const MAX_BYTES = 1024 * 1024

async function entriesIn(folder: string): Promise<SealedEntries> {
  const names = await readdir(folder).catch(() => {
    throw new UsageError(
      `${fileLabel('--folder', folder)}: there is no such folder to read; --namespace names another one in tokens`,
    )
  })
  const entries = new Map<string, { token: string; place: string }>()
  for (const name of names.sort()) {
    const [, hash] = FILE.exec(name) ?? []
    const file = join(folder, name)
    if (hash === undefined || (await stat(file)).size > MAX_BYTES) continue
    entries.set(hash, { token: await readFile(file, 'latin1'), place: `the entry ${name.slice(0, 12)}…` })
  }
  return entries
}
