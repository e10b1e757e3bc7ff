import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

const LANES = 8

export interface StorePlace {
  readonly folder: string
  readonly keyFile: string
}

const keyOf = (number: number) =>
  storageKey('jira', { issuer: 'https://login.example.com', subject: `owner-${String(number).padStart(5, '0')}` })

/** Saves one credential each of so many owners. */
export async function saveMany(place: StorePlace, count: number): Promise<void> {
  await withEach(
    place,
    count,
    async (backend, number) => void (await put(backend, keyOf(number), { pat: `token ${number}` })),
  )
}

/** Opens each record in a new process's view of the store, and returns the numbers of those that do not hold what was saved. */
export async function lostOf(place: StorePlace, count: number): Promise<string[]> {
  const lost: string[] = []
  await withEach(place, count, async (backend, number) => {
    const found = await backend.read(keyOf(number), call()).catch((error: unknown) => error)
    const isThere = JSON.stringify(found).includes(`"pat":"token ${number}"`)
    if (!isThere) lost.push(`${number}: ${String(found)}`)
  })
  return lost
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
