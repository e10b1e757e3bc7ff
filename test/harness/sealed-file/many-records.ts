import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

const LANES = 8

/** The issuer of all owners here. */
export const ISSUER = 'https://login.example.com'

export interface StorePlace {
  readonly folder: string
  readonly keyFile: string
}

const keyOf = (number: number) =>
  storageKey('jira', { issuer: ISSUER, subject: `owner-${String(number).padStart(5, '0')}` })

/** Saves one credential each of so many owners. */
export async function saveMany(place: StorePlace, count: number): Promise<void> {
  await withEach(
    place,
    count,
    async (backend, number) => void (await put(backend, keyOf(number), { pat: `token ${number}` })),
  )
}

/** Opens each record in a new process's view of the store, and returns what is wrong with those that do not hold what was saved. */
export async function lostOf(place: StorePlace, count: number): Promise<string[]> {
  const lost: string[] = []
  await withEach(place, count, async (backend, number) => {
    const problem = await problemOf(backend, number)
    if (problem) lost.push(problem)
  })
  return lost
}

/** What is wrong with the record of this number; undefined when it holds what was saved. */
export async function problemOf(backend: SecretBackend, number: number): Promise<string | undefined> {
  const found = await backend.read(keyOf(number), call()).catch((error: unknown) => String(error))
  const isThere = typeof found === 'object' && found.status === 'active' && found.values['pat'] === `token ${number}`
  return isThere ? undefined : `record ${number}: ${typeof found === 'string' ? found : found.status}`
}

/** The value that this subject's credential holds, or its state. */
export async function savedOf({ folder, keyFile }: StorePlace, subject: string): Promise<string> {
  const backend = sealedFile({ folder, keyFile, warn: () => {} })
  await backend.open()
  const found = await backend.read(storageKey('jira', { issuer: ISSUER, subject }), call())
  await backend.close()
  return found.status === 'active' ? String(found.values['pat']) : found.status
}

async function withEach(
  { folder, keyFile }: StorePlace,
  count: number,
  work: (backend: SecretBackend, number: number) => Promise<void>,
): Promise<void> {
  const backend = sealedFile({ folder, keyFile, warn: () => {} })
  await backend.open()
  let next = 0
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      while (next < count) await work(backend, next++)
    }),
  )
  await backend.close()
}
