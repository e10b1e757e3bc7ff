import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import type { BundleTier } from '../../../src/core/ports/store-keys.ts'
import { type SealedFolder, temporaryFolder } from './sealed-folder.ts'

/** Writes a tier's bundle into a file of its own, as `keys export-writer` and `keys export-reader` do. */
export async function bundleFile(backend: SecretBackend, tier: BundleTier, path?: string): Promise<string> {
  const file = path ?? join(await temporaryFolder(), `${tier}.bundle`)
  const exported = await backend.storeKeys?.exportBundle(tier, new AbortController().signal)
  await writeFile(file, `${exported?.text}\n`, { mode: 0o600 })
  return file
}

/** The store as a process with this bundle sees it. */
export async function openBundle({ folder, warnings }: SealedFolder, path: string): Promise<SecretBackend> {
  const backend = sealedFile({ folder, bundleFile: path, warn: (message) => warnings.push(message) })
  await backend.open()
  onTestFinished(() => backend.close())
  return backend
}
