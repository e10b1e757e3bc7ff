import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { sealedFile } from '../../src/backends/sealed-file.ts'
import { generateKeyText } from '../../src/core/key-text.ts'
import type { SecretBackend } from '../../src/core/secret-backend.ts'
import { type StorageKey, storageKey } from '../../src/core/storage-key.ts'

export const ISSUER = 'https://login.example.com'
export const ALICE: StorageKey = storageKey('jira', { issuer: ISSUER, subject: 'alice' })
export const BOB: StorageKey = storageKey('jira', { issuer: ISSUER, subject: 'bob' })

/** A place for one store and its key, removed when the test ends. */
export interface SealedFolder {
  readonly folder: string
  readonly key: string
  readonly warnings: string[]
  /** Another process's view of the same store: it shares nothing but the files. */
  open(options?: { readonly key?: string; readonly folder?: string }): Promise<SecretBackend>
}

export async function sealedFolder(): Promise<SealedFolder> {
  const parent = await temporaryFolder()
  const folder = join(parent, 'store')
  const key = generateKeyText()
  const warnings: string[] = []
  return {
    folder,
    key,
    warnings,
    async open(options = {}) {
      const backend = sealedFile({ folder, key, warn: (message) => warnings.push(message), ...options })
      await backend.open()
      onTestFinished(() => backend.close())
      return backend
    },
  }
}

export async function temporaryFolder(): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'sealed-file-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  return parent
}

/** Paths of a credential's revisions, oldest first. */
export async function revisionsOf(backend: SecretBackend, key: StorageKey): Promise<string[]> {
  const pattern = backend.locate(key)
  const prefix = pattern.slice(0, -1)
  const names = await readdir(dirname(pattern))
  const number = (path: string) => Number(path.slice(prefix.length))
  return names
    .map((name) => join(dirname(pattern), name))
    .filter((path) => path.startsWith(prefix))
    .sort((a, b) => number(a) - number(b))
}

/** Path of a credential's revision. */
export function revisionPath(backend: SecretBackend, key: StorageKey, revision: number): string {
  return backend.locate(key).replace(/\*$/, String(revision))
}
