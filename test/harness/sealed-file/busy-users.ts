import { setTimeout as delay } from 'node:timers/promises'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put } from '../../../src/testing/secret-backend/calls.ts'
import { ISSUER, problemOf } from './many-records.ts'

/**
 * A server's process in which users save and read, each a credential of their own and now and then one of the many, until standard input
 * ends. Prints `USER NUMBER` for each acknowledged save, and `wrong …` when a read does not return what was saved. Arguments: the folder,
 * how many users, how many records `saveMany` made. The key comes from the environment.
 */
const [folder = '', users = '0', records = '0'] = process.argv.slice(2)
const backend = sealedFile({ folder })
await backend.open()
let isEnding = false
process.stdin.resume().once('end', () => {
  isEnding = true
})
await Promise.all(Array.from({ length: Number(users) }, (_, user) => use(`user-${user}`)))
await backend.close()

async function use(subject: string): Promise<void> {
  const key = storageKey('jira', { issuer: ISSUER, subject })
  for (let number = 1; !isEnding; number += 1) {
    const { ref } = await put(backend, key, { pat: String(number) })
    process.stdout.write(`${subject} ${number}\n`)
    const found = await backend.read(key, call())
    const value = found.status === 'active' ? found.values['pat'] : found.status
    if (value !== String(number) || (found.status === 'active' && found.version.ref !== ref))
      process.stdout.write(`wrong ${subject} ${number} ${String(value)}\n`)
    const problem = await problemOf(backend, Math.floor(Math.random() * Number(records)))
    if (problem) process.stdout.write(`wrong ${problem}\n`)
    await delay(5)
  }
}
