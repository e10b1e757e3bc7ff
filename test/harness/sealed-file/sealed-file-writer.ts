import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

/**
 * A process of its own for tests that kill or race it. Arguments: folder, mode, count. The key comes from the environment.
 * `save` saves to ten owners in turn and prints each acknowledged `owner number` on a line; `count` increments one credential `count`
 * times by compare-and-set; `open` opens the store and saves once.
 */
const [folder = '', mode = '', count = '1'] = process.argv.slice(2)
const backend = sealedFile({ folder })
const keyOf = (subject: string) => storageKey('jira', { issuer: 'https://login.example.com', subject })
await backend.open()

switch (mode) {
  case 'save':
    await Promise.all(Array.from({ length: 4 }, (_, lane) => saveForEver(lane)))
    break
  case 'count':
    for (let done = 0; done < Number(count); done += 1) await increment()
    break
  default:
    await put(backend, keyOf(count), { pat: count })
}
await backend.close()

async function saveForEver(lane: number): Promise<void> {
  for (let number = 1; ; number += 1) {
    const subject = `owner-${lane}-${number % 5}`
    await put(backend, keyOf(subject), { pat: String(number) })
    process.stdout.write(`${subject} ${number}\n`)
  }
}

async function increment(): Promise<void> {
  const key = keyOf('counter')
  for (;;) {
    const found = await backend.read(key, call())
    const expect = found.status === 'active' ? { version: found.version.ref } : 'absent'
    const number = found.status === 'active' ? Number(found.values['pat']) : 0
    try {
      await put(backend, key, { pat: String(number + 1) }, { expect })
      return
    } catch (error) {
      if (!isCredentialVaultError(error, 'conflict')) throw error
    }
  }
}
