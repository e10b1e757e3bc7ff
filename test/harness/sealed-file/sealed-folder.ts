import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type Keyring, unlockKeyring } from '../../../src/backends/sealed-file/keys/keyring.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { type StorageKey, storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

export const ISSUER = 'https://login.example.com'
export const ALICE: StorageKey = storageKey('jira', { issuer: ISSUER, subject: 'alice' })
export const BOB: StorageKey = storageKey('jira', { issuer: ISSUER, subject: 'bob' })

/** A place for one store and its key, removed when the test ends. */
export interface SealedFolder {
  readonly folder: string
  readonly key: string
  readonly warnings: string[]
  /** Another process's view of the same store: it shares nothing but the files. */
  open(options?: { readonly key?: string | undefined }): Promise<SecretBackend>
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

/** Every file under a folder with its content, to prove that nothing was changed or deleted. */
export async function snapshot(folder: string): Promise<Map<string, string>> {
  const entries = existsSync(folder) ? await readdir(folder, { recursive: true, withFileTypes: true }) : []
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(await Promise.all(paths.sort().map(async (path) => [path, await readFile(path, 'base64')] as const)))
}

/** The store's real keys: what an attacker who can only write files does not have. */
export async function keyringOf(store: SealedFolder): Promise<Keyring> {
  const path = join(store.folder, 'keyring')
  return unlockKeyring(await readFile(path), { key: parseKey(store.key, 'test'), source: 'test' }, path)
}

/** Expects that reading, asking and saving are refused with this error, and that no file was touched by any of it. */
export async function refuses(
  store: SealedFolder,
  backend: SecretBackend,
  key: StorageKey,
  error: object,
): Promise<void> {
  const before = await snapshot(store.folder)
  await expect(backend.read(key, call())).rejects.toMatchObject(error)
  await expect(backend.stat(key, call())).rejects.toMatchObject(error)
  await expect(put(backend, key, { pat: 'over it' })).rejects.toMatchObject(error)
  expect(await snapshot(store.folder)).toEqual(before)
}

/** Expects that the store does not open, with this error, and that no file was touched. */
export async function refusesToOpen(
  store: SealedFolder,
  options: { readonly key?: string | undefined },
  error: object,
): Promise<CredentialVaultError> {
  const before = await snapshot(store.folder)
  const thrown = await store.open(options).catch((reason: unknown) => reason)
  expect(thrown).toBeInstanceOf(CredentialVaultError)
  expect(thrown).toMatchObject(error)
  expect(await snapshot(store.folder)).toEqual(before)
  return thrown as CredentialVaultError
}
