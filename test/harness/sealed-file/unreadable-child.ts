/** Makes parts of a store unreadable for its user and prints the store's error. Run by attacks/sealed-file/unreadable-folder.test.ts. */
import { chmodSync, chownSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { call, put, remove } from '../../../src/testing/secret-backend/calls.ts'

const folder = process.argv[2] ?? ''
const part = process.argv[3] ?? ''
const ALICE = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
const key = generateKeyText()

// The superuser may read everything, so another user runs it.
if (process.getuid?.() === 0) {
  chownSync(folder, 65_534, 65_534)
  process.setgid?.(65_534)
  process.setuid?.(65_534)
}
const store = join(folder, 'store')
const open = async () => {
  const backend = sealedFile({ folder: store, key, create: false })
  await backend.open()
  return backend
}
const creator = sealedFile({ folder: store, key })
await creator.open()
await put(creator, ALICE, { pat: 'the kept value' })

const records = join(store, 'records')
const shard = join(records, readdirSync(records)[0] ?? '')
const closed = {
  store,
  records,
  shard,
  keyring: join(store, 'keyring'),
  record: join(shard, readdirSync(shard)[0] ?? ''),
}[part]
if (closed === undefined) throw new Error('there is no such part')
const mode = part === 'keyring' || part === 'record' ? 0o600 : 0o700
chmodSync(closed, 0)

async function outcome(work: () => Promise<unknown>): Promise<string> {
  try {
    return `done: ${JSON.stringify(await work())}`
  } catch (error) {
    return isCredentialVaultError(error) ? `${error.code} ${error.message}` : `foreign: ${String(error)}`
  }
}

const said = {
  read: await outcome(() => creator.read(ALICE, call())),
  stat: await outcome(() => creator.stat(ALICE, call())),
  save: await outcome(() => put(creator, ALICE, { pat: 'another' }, { expect: 'absent' })),
  revoke: await outcome(() => remove(creator, ALICE)),
  list: await outcome(async () => {
    const keys = []
    for await (const { key: found } of creator.list(call())) keys.push(found.path)
    return keys
  }),
  open: await outcome(async () => (await open()).read(ALICE, call())),
}
chmodSync(closed, mode)
const after = await (await open()).read(ALICE, call())
console.log(JSON.stringify({ said, after: after.status === 'active' ? after.values : after.status }))
