import { readFile, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, revisionPath, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

test('no single changed byte of a record goes unnoticed', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'current' })
  const path = revisionPath(backend, ALICE, 1)
  const whole = await readFile(path)
  for (let index = 0; index < whole.length; index += 3) {
    for (const bit of [0x01, 0x20]) {
      const changed = Buffer.from(whole)
      changed[index] = (changed[index] ?? 0) ^ bit
      await writeFile(path, changed)
      const error = await backend.read(ALICE, call()).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(isCredentialVaultError(error, 'record_tampered'), `byte ${index}`).toBe(true)
    }
  }
})

test('bytes after the record are noticed', async () => {
  const store = await sealedFolder()
  const backend = await store.open()
  await put(backend, ALICE, { pat: 'current' })
  const path = revisionPath(backend, ALICE, 1)
  await writeFile(path, Buffer.concat([await readFile(path), Buffer.from('\n')]))
  await expect(backend.read(ALICE, call())).rejects.toMatchObject({ code: 'record_tampered', reason: 'format' })
})
