import { entriesFrom, fieldHelp, fieldOptions } from '../provision/entries-from-rows.ts'
import { writeEntries, writeHelp, writeOptions } from '../provision/write-entries.ts'
import type { Command } from '../terminal/command.ts'
import { UsageError } from '../terminal/command-line.ts'
import {
  AUTHKIT_NOTE,
  authkitHelp,
  authkitOptions,
  authkitOwners,
  authkitRows,
  unmatchedNote,
} from './authkit-entries.ts'
import { authkitKey } from './authkit-key.ts'
import { entriesInRedis } from './redis-entries.ts'

export const importAuthkitRedis: Command = {
  name: 'import authkit-redis',
  summary: 'import the Redis store of mcp-authkit 0.3.0',
  parameters: [],
  options: { ...authkitOptions, ...fieldOptions, ...writeOptions },
  help: `
Usage: mcp-credential-vault import authkit-redis --provider NAME --issuer URL --subjects FILE [--namespace NAME]
         [--tools MODULE | --type FIELD=TYPE …] [--replace] [--dry-run] [--json]

Imports credentials that CredentialsProvider of mcp-authkit 0.3.0 stored with TOKEN_STORAGE_MODE=redis. It changes nothing in the old store.
The server is that of REDIS_URL, and the keys begin with REDIS_KEY_PREFIX (default mcp:auth:), as for the old server.
It needs the package redis: npm install redis
${authkitHelp}${fieldHelp}${writeHelp}`,
  async run(input, terminal) {
    const owners = await authkitOwners(input)
    const key = authkitKey(terminal)
    const { REDIS_URL: url = '', REDIS_KEY_PREFIX: prefix } = terminal.environment
    if (url === '') throw new UsageError('set REDIS_URL to that of the old server')
    const namespace = input.text('namespace') ?? owners.provider
    const entries = await entriesInRedis(url, prefixOf(prefix ?? 'mcp:auth:', namespace))
    if (entries.size === 0)
      throw new UsageError('Redis has no entry under this prefix and namespace; check REDIS_KEY_PREFIX and --namespace')
    const { rows, unmatched } = authkitRows(entries, owners, key)
    return writeEntries(await entriesFrom(rows, input), input, terminal, [...unmatchedNote(unmatched), AUTHKIT_NOTE])
  },
}

/** mcp-authkit's factory makes it so. */
function prefixOf(prefix: string, namespace: string): string {
  return namespace === '' ? prefix : `${prefix.replace(/:+$/, '')}:${namespace}:`
}
