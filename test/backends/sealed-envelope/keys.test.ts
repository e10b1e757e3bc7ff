import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { findEnvelopeKeys } from '../../../src/backends/sealed-envelope/envelope-keys.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText, keyId, parseKey } from '../../../src/core/crypto/key-text.ts'
import { sodiumReady } from '../../../src/core/crypto/sodium.ts'
import { ALICE } from '../../harness/hashicorp-vault/sealed-store.ts'
import { temporaryFolder } from '../../harness/sealed-file/sealed-folder.ts'
import { thrownError } from '../../harness/thrown-error.ts'

beforeAll(sodiumReady)

const warn = () => undefined
const ONE = generateKeyText()
const TWO = generateKeyText()
const THREE = generateKeyText()
const idOf = (text: string) => keyId(parseKey(text, 'test'))
const find = (environment: NodeJS.ProcessEnv) => findEnvelopeKeys({ warn }, environment)

describe('from the environment', () => {
  test('the first key seals, earlier ones of both kinds only open', async () => {
    const file = join(await temporaryFolder(), 'earlier.key')
    await writeFile(file, `${TWO}\n${THREE}\n`, { mode: 0o600 })
    const keys = find({ MCP_SEALED_ENVELOPE_KEY: ONE, MCP_SEALED_ENVELOPE_KEY_ACCEPTED: ` ${TWO} ${THREE} ` })
    const ofFile = find({ MCP_SEALED_ENVELOPE_KEY: ONE, MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE: file })
    expect(ofFile.map(({ id }) => id)).toEqual(keys.map(({ id }) => id))
    expect(keys.map(({ id }) => id)).toEqual([ONE, TWO, THREE].map(idOf))
    // What seals, what names places and what makes nonces are different keys, and none of them is the configured one.
    const used = keys.flatMap(({ seal, nonce, place }) => [seal, nonce, place].map((key) => Buffer.from(key)))
    const all = [...used, ...[ONE, TWO, THREE].map((text) => Buffer.from(parseKey(text, 'test')))]
    expect(new Set(all.map((key) => key.toString('hex'))).size).toBe(12)
  })

  test.each<[string, NodeJS.ProcessEnv, string, string, string]>([
    ['none', {}, 'key_missing', 'no_key', 'MCP_SEALED_ENVELOPE_KEY_FILE'],
    ['a typo', { MCP_SEALED_ENVELOPE_KEY: ONE.slice(1) }, 'key_malformed', 'key_text', 'MCP_SEALED_ENVELOPE_KEY is'],
    [
      'a typo in an earlier one',
      { MCP_SEALED_ENVELOPE_KEY: ONE, MCP_SEALED_ENVELOPE_KEY_ACCEPTED: `${TWO},${THREE.slice(0, 20)}` },
      'key_malformed',
      'key_text',
      'MCP_SEALED_ENVELOPE_KEY_ACCEPTED, key 2,',
    ],
    [
      'a file that is not there',
      { MCP_SEALED_ENVELOPE_KEY: ONE, MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE: '/nowhere/earlier.key' },
      'configuration_invalid',
      'key_file_unreadable',
      '/nowhere/earlier.key',
    ],
    [
      'the new key as the earlier one',
      { MCP_SEALED_ENVELOPE_KEY: ONE, MCP_SEALED_ENVELOPE_KEY_ACCEPTED: ONE },
      'configuration_invalid',
      'same_key',
      'MCP_SEALED_ENVELOPE_KEY_ACCEPTED: key 1 is the same as the current key',
    ],
    [
      'two sources',
      { MCP_SEALED_ENVELOPE_KEY: ONE, MCP_SEALED_ENVELOPE_KEY_FILE: '/run/key' },
      'configuration_invalid',
      'two_keys',
      'MCP_SEALED_ENVELOPE_KEY_FILE',
    ],
  ])('%s: the variable is named, and no key is', (_name, environment, code, reason, named) => {
    const error = thrownError(() => find(environment))
    expect(error).toMatchObject({ code, reason })
    expect(error.message).toContain(named)
    expect(error.message).not.toMatch(/mcv1_\w{5}/)
  })
})

test('an earlier key in a file that others can read is refused', async () => {
  const file = join(await temporaryFolder(), 'earlier.key')
  await writeFile(file, TWO, { mode: 0o644 })
  const error = thrownError(() => findEnvelopeKeys({ key: ONE, acceptedKeysFile: file, warn }, {}))
  expect(error).toMatchObject({ code: 'key_exposed', reason: 'key_file_mode' })
  expect(error.message).toContain(file)
})

test('a wrong option is named, and an envelope that is not open says so', async () => {
  // @ts-expect-error as plain JavaScript may
  expect(thrownError(() => sealedEnvelope(memoryBackend(), { acceptPlian: true })).message).toContain(
    'sealedEnvelope.acceptPlian: there is no such option',
  )
  const closed = sealedEnvelope(memoryBackend(), { key: ONE })
  const call = { signal: AbortSignal.timeout(5_000), correlationId: 'c' }
  const intent = { expect: 'any', audit: undefined, operationId: 'o' } as const
  await expect(closed.write(ALICE, { pat: 'x' }, intent, call)).rejects.toMatchObject({ reason: 'not_open' })
})

test('accepting plain values warns at each start', async () => {
  const warnings: string[] = []
  const backend = sealedEnvelope(memoryBackend(), {
    key: ONE,
    acceptPlain: true,
    warn: (message) => void warnings.push(message),
  })
  await backend.open()
  expect(warnings).toEqual([expect.stringContaining('keys reseal')])
})
