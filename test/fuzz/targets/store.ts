import fc from 'fast-check'
import {
  createKeyring,
  keyOfKeyring,
  lockKeyring,
  unlockKeyring,
} from '../../../src/backends/sealed-file/keys/keyring.ts'
import { encodeRecord, openRecord, verifyRecord } from '../../../src/backends/sealed-file/record.ts'
import { encodeMark, openMark } from '../../../src/backends/sealed-file/rejection-mark.ts'
import { findKey } from '../../../src/core/crypto/key-source.ts'
import { formatKey, generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { sign, sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { mustHold, target } from '../target.ts'
import { anyText, mutated, textLike } from '../texts.ts'

await sodiumReady()
const keyText = generateKeyText()
const found = { key: parseKey(keyText, 'the test'), source: 'the test' }
const keyring = createKeyring()
const keyringFile = lockKeyring(keyring, found.key).toString('latin1')

const id = 'a'.repeat(40)
const place = { id, revision: 3, path: '/store/records/aaa/file' }
const header = { id, revision: 3, kind: 'active', version: 'v', at: 1, operation: 'o' } as const
const payload = {
  provider: 'jira',
  owner: { issuer: 'https://login.example.com', subject: 'alice' },
  values: { pat: 'secret' },
}
const record = encodeRecord(header, payload, keyring).toString('latin1')
const purged = encodeRecord({ ...header, kind: 'purged' }, payload, keyring).toString('latin1')

const mark = encodeMark({ id, version: 'v' }, new Date(1), keyring).toString('latin1')

/** Signed by the store's own key, and of any content: what a later or mistaken version might write. */
function signedRecord(headerContent: string, box: string): Buffer {
  const signed = `mcv-record-v1\n${Buffer.from(headerContent).toString('base64url')}\n${box}\n`
  const [signKey] = keyring.signKeys
  return Buffer.from(`${signed}${Buffer.from(sign(Buffer.from(signed), signKey.privateKey)).toString('base64url')}\n`)
}

const headerText = JSON.stringify({
  ...header,
  store: keyring.store,
  sealKey: keyring.sealKeys[0].id,
  signKey: keyring.signKeys[0].id,
})

export const store = [
  target(
    'key text',
    textLike(keyText, ` ${keyText}\n`),
    (text) => {
      const key = parseKey(text, 'MCP_VAULT_KEY')
      mustHold(formatKey(key) === text.trim(), 'another key')
    },
    { weight: 60 },
  ),
  target(
    'key in the environment',
    fc.record({ MCP_VAULT_KEY: textLike(keyText, ''), MCP_WEB_KEY: anyText }, { requiredKeys: [] }),
    (environment) => {
      const given = environment.MCP_VAULT_KEY
      const key = findKey({ name: 'MCP_VAULT_KEY' }, { ...environment })
      mustHold((key === undefined) === (given === undefined || given === ''), 'a key from nowhere')
    },
    { weight: 20 },
  ),
  target(
    'sealed-file record',
    textLike(record, purged),
    (text) => {
      const bytes = Buffer.from(text, 'latin1')
      const verified = verifyRecord(bytes, place, keyring)
      const whole = bytes.toString('latin1')
      mustHold(whole === record || whole === purged, 'a changed record passes')
      if (whole === record) mustHold(openRecord(verified, keyring).values?.['pat'] === 'secret', 'another value')
    },
    { weight: 30 },
  ),
  target(
    'sealed-file record under a good signature',
    fc.tuple(fc.oneof(mutated(headerText), fc.json(), anyText), textLike(record.split('\n')[2] ?? '')),
    ([content, box]) => {
      const verified = verifyRecord(signedRecord(content, box), place, keyring)
      openRecord(verified, keyring)
      mustHold(content === headerText, 'a box under another header')
    },
    { weight: 15 },
  ),
  target(
    'rejection mark',
    textLike(mark),
    (text) => {
      const rejectedAt = openMark(Buffer.from(text, 'latin1'), { id, version: 'v' }, keyring)
      mustHold(rejectedAt === undefined || text === mark, 'a changed mark passes')
    },
    { weight: 30 },
  ),
  target(
    'keyring file',
    textLike(keyringFile),
    (text) => {
      const file = Buffer.from(text, 'latin1')
      keyOfKeyring(file)
      const unlocked = unlockKeyring(file, found, '/store/keyring')
      mustHold(unlocked.store === keyring.store, 'another keyring')
    },
    { weight: 20 },
  ),
  target(
    'bytes as record and keyring',
    fc.uint8Array({ maxLength: 200 }),
    (bytes) => {
      mustHold(keyOfKeyring(Buffer.from(bytes)) === undefined, 'a keyring of noise')
      verifyRecord(Buffer.from(bytes), place, keyring)
    },
    { weight: 30 },
  ),
]
