import { CredentialVaultError } from '../../core/model/errors.ts'
import { parsedUrl } from '../../core/model/url-value.ts'
import { UsageError } from '../terminal/command-line.ts'
import type { SealedEntries } from './authkit-entries.ts'

const CONNECT_MILLISECONDS = 5_000

/**
 * Reads the entries of mcp-authkit's Redis store: `{prefix}token:{sha256(sub)}`, each a Fernet token.
 *
 * @param url from the environment, never from the command line: it may hold a password
 * @throws UsageError for a URL that is none, `configuration_invalid` without the package, `unavailable`
 */
export async function entriesInRedis(url: string, prefix: string): Promise<SealedEntries> {
  if (!/^rediss?:$/.test(parsedUrl(url)?.protocol ?? ''))
    throw new UsageError('REDIS_URL is not a redis:// or rediss:// URL')
  const { createClient } = await loadRedis()
  const client = createClient({ url, socket: { connectTimeout: CONNECT_MILLISECONDS, reconnectStrategy: false } })
  // Its errors also reject the calls below.
  client.on('error', () => undefined)
  const key = new RegExp(`^${escaped(prefix, /[.*+?^${}()|[\]\\]/g)}token:([0-9a-f]{64})$`)
  const entries = new Map<string, { token: string; place: string }>()
  try {
    await client.connect()
    for await (const names of client.scanIterator({ MATCH: `${escaped(prefix, /[*?[\]\\^]/g)}token:*`, COUNT: 500 })) {
      for (const name of names) {
        const [, hash] = key.exec(name) ?? []
        const token = hash === undefined ? null : await client.get(name)
        if (hash !== undefined && token !== null) entries.set(hash, { token, place: `the entry ${hash.slice(0, 12)}…` })
      }
    }
    return entries
  } catch {
    throw new CredentialVaultError(
      'unavailable',
      'The Redis server of REDIS_URL cannot be read. Check its address, its password, and whether it is running.',
    )
  } finally {
    client.destroy()
  }
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, '\\$&')
}

async function loadRedis() {
  try {
    return await import('redis')
  } catch {
    throw new CredentialVaultError(
      'configuration_invalid',
      'The import from Redis needs the package redis, which cannot be loaded. Install it: npm install redis',
      { reason: 'package_missing' },
    )
  }
}
