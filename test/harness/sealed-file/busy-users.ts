import { setTimeout as delay } from 'node:timers/promises'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'

/**
 * A server's process in which five users save and read, each a credential of their own, until standard input ends. Prints
 * `USER NUMBER` for each acknowledged save, and `wrong …` when a read does not return the user's last save. Argument: the folder. The key
 * comes from the environment.
 */
const [folder = ''] = process.argv.slice(2)
const backend = sealedFile({ folder })
await backend.open()
let isEnding = false
process.stdin.resume().once('end', () => {
  isEnding = true
})
await Promise.all(['user-0', 'user-1', 'user-2', 'user-3', 'user-4'].map(use))
await backend.close()

async function use(subject: string): Promise<void> {
  const key = storageKey('jira', { issuer: 'https://login.example.com', subject })
  for (let number = 1; !isEnding; number += 1) {
    const { ref } = await put(backend, key, { pat: String(number) })
    process.stdout.write(`${subject} ${number}\n`)
    const found = await backend.read(key, call())
    const value = found.status === 'active' ? found.values['pat'] : found.status
    if (value !== String(number) || (found.status === 'active' && found.version.ref !== ref))
      process.stdout.write(`wrong ${subject} ${number} ${String(value)}\n`)
    await delay(5)
  }
}
