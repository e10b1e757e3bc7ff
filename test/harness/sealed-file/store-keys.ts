import { readFileSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lockKeyring, unlockKeyring } from '../../../src/backends/sealed-file/keys/keyring.ts'
import { headerOf, type RecordHeader } from '../../../src/backends/sealed-file/record.ts'
import { HOLD_MS } from '../../../src/backends/sealed-file/revisions.ts'
import { parseKey } from '../../../src/core/crypto/key-text.ts'

/**
 * The headers of all records that were not emptied, oldest revision first. A file that another process replaces in the meantime is left
 * out.
 */
export async function headersIn(folder: string): Promise<RecordHeader[]> {
  const entries = await readdir(join(folder, 'records'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.rejected'))
  // One at a time, because a store may have more files than a process may open.
  const all = files.map(({ parentPath, name }) => bytesOf(join(parentPath, name)))
  const headers = all.flatMap((bytes) => (bytes.length === 0 ? [] : (headerOf(bytes) ?? [])))
  return headers.sort((a, b) => a.id.localeCompare(b.id) || a.revision - b.revision)
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

/** Makes the newest key so old that no writer uses an earlier one any more, as ten minutes would. */
export async function lettingKeysAge({
  folder,
  key,
}: {
  readonly folder: string
  readonly key: string
}): Promise<void> {
  const path = join(folder, 'keyring')
  const masterKey = parseKey(key, 'test')
  const keyring = unlockKeyring(await readFile(path), { key: masterKey, source: 'test' }, path)
  const [newest, ...others] = keyring.sealKeys
  const aged = { ...newest, createdAt: newest.createdAt - HOLD_MS }
  await writeFile(path, lockKeyring({ ...keyring, sealKeys: [aged, ...others] }, masterKey))
}
