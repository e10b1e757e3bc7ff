import { linkSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

/**
 * A process for sealed-file-linked-temporary. `race FOLDER`: at each line `look` it reads the newest version, at each other line it
 * saves that line over exactly that version and prints `saved REVISION` or `conflict`. `link FOLDER COPIES`: hard-links whatever
 * appears in FOLDER into COPIES, as a snapshot tool does, until it is ended.
 */
const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const [mode, folder = '', copies = ''] = process.argv.slice(2)
if (mode === 'link') await linkForEver()
else await race()

async function race(): Promise<void> {
  const backend = sealedFile({ folder })
  await backend.open()
  let seen = await backend.stat(ALICE, call())
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'look') {
      seen = await backend.stat(ALICE, call())
      process.stdout.write('looked\n')
      continue
    }
    if (seen.status !== 'active') throw new Error('there is nothing to save over')
    try {
      const { label } = await put(backend, ALICE, { pat: line }, { expect: { version: seen.version.ref } })
      process.stdout.write(`saved ${label}\n`)
    } catch (error) {
      if (!isCredentialVaultError(error, 'conflict')) throw error
      process.stdout.write('conflict\n')
    }
  }
  await backend.close()
}

async function linkForEver(): Promise<void> {
  process.stdout.write('looked\n')
  for (;;) {
    for (const name of readdirSync(folder)) {
      try {
        linkSync(join(folder, name), join(copies, name))
      } catch {
        // It was linked before, or is gone.
      }
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}
