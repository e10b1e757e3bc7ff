import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unlockKeyring } from '../src/backends/sealed-file/keys/keyring.ts'
import { encodeRecord } from '../src/backends/sealed-file/record.ts'
import { sealedFile } from '../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText, parseKey } from '../src/core/crypto/key-text.ts'
import { type StorageKey, storageKey } from '../src/core/model/storage-key.ts'
import type { SecretBackend } from '../src/core/ports/secret-backend.ts'
import { call, put } from '../src/testing/secret-backend/calls.ts'
import { type Measure, median } from './measure.ts'

/** How many credentials of each store are read and saved. They are spread evenly over it. */
const WORKING_SET = 1_000
const TOKEN = 'x'.repeat(200)

interface FilledStore {
  readonly backend: SecretBackend
  readonly keys: readonly StorageKey[]
  readonly reads: number[]
  readonly saves: number[]
}

/**
 * Median times of one read and one durable save in stores of 1,000 and 100,000 credentials. Both sizes are measured by turns, so that
 * whatever else the machine does hits both alike.
 *
 * @param seconds how long to measure, without the time to fill the stores
 */
export async function sealedFileMeasures({ seconds }: { readonly seconds: number }): Promise<Measure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-sealed-file-'))
  try {
    const small = await filledStore(join(folder, '1k'), 1_000)
    const large = await filledStore(join(folder, '100k'), 100_000)
    const end = performance.now() + seconds * 1_000
    for (let turn = 0; performance.now() < end || turn < 100; turn += 1) {
      for (const store of turn % 2 ? [small, large] : [large, small]) await sample(store)
    }
    await small.backend.close()
    await large.backend.close()
    return [
      measure('sealed-read-1k', small.reads, '≤ 1'),
      measure('sealed-read-100k', large.reads, '≤ 1 and ≤ 1.3 × sealed-read-1k'),
      measure('sealed-save-1k', small.saves, '≤ 5'),
      measure('sealed-save-100k', large.saves, '≤ 5 and ≤ 1.3 × sealed-save-1k'),
    ]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function measure(name: string, samples: readonly number[], goal: string): Measure {
  return { name, value: Number(median(samples).toFixed(3)), unit: 'ms', goal }
}

async function sample({ backend, keys, reads, saves }: FilledStore): Promise<void> {
  const pick = () => keys[Math.floor(Math.random() * keys.length)] ?? keyOf(0)
  for (let count = 0; count < 4; count += 1) {
    const key = pick()
    const start = performance.now()
    await backend.read(key, call())
    reads.push(performance.now() - start)
  }
  const key = pick()
  const start = performance.now()
  await put(backend, key, { pat: TOKEN })
  saves.push(performance.now() - start)
}

/**
 * Makes the records without the durability that a save has. Those that are measured are real; the others are files of the same size
 * under names that nobody asks for, since sealing 100,000 would take most of a minute and change nothing that a read or a save sees.
 */
async function filledStore(folder: string, size: number): Promise<FilledStore> {
  const key = generateKeyText()
  const backend = sealedFile({ folder, key })
  await backend.open()
  const path = join(folder, 'keyring')
  const keyring = unlockKeyring(readFileSync(path), { key: parseKey(key, 'bench'), source: 'bench' }, path)
  const keys = Array.from({ length: WORKING_SET }, (_, index) => keyOf(index * (size / WORKING_SET)))
  const measured = new Set(keys.map((each) => each.path))
  const made = new Set<string>()
  let bytes: Buffer | undefined
  for (let index = 0; index < size; index += 1) {
    const owned = keyOf(index)
    const pattern = backend.locate(owned)
    if (!bytes || measured.has(owned.path)) {
      const id = /([0-9a-f]{40})\.\*$/.exec(pattern)?.[1] ?? ''
      const header = { id, revision: 1, kind: 'active', version: 'bench', at: 1, operation: 'bench' } as const
      bytes = encodeRecord(header, { provider: 'jira', owner: owned.owner, values: { pat: TOKEN } }, keyring)
    }
    const shard = dirname(pattern)
    if (!made.has(shard)) mkdirSync(shard, { mode: 0o700 })
    made.add(shard)
    writeFileSync(pattern.replace(/\*$/, '1'), bytes, { mode: 0o600 })
  }
  return { backend, keys, reads: [], saves: [] }
}

function keyOf(index: number): StorageKey {
  return storageKey('jira', { issuer: 'https://login.example.com', subject: `user-${index}` })
}
