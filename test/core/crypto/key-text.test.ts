import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { findKey } from '../../../src/core/crypto/key-source.ts'
import { formatKey, generateKeyText, keyId, parseKey } from '../../../src/core/crypto/key-text.ts'
import { thrownError } from '../../harness/thrown-error.ts'

describe('key text', () => {
  test('any 32 bytes come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        expect(Buffer.from(parseKey(`${formatKey(key)}\n`, 'test')).equals(key)).toBe(true)
      }),
    )
  })

  test('every single wrong character is noticed, and the message holds nothing of the text', () => {
    const text = generateKeyText()
    for (let index = 0; index < text.length; index += 1) {
      const wrong = text.slice(0, index) + (text[index] === 'x' ? 'y' : 'x') + text.slice(index + 1)
      const error = thrownError(() => parseKey(wrong, 'MCP_VAULT_KEY'))
      expect(error.code).toBe('key_malformed')
      expect(error.message).not.toContain(wrong.slice(5, 25))
    }
  })

  test.each(['', 'mcv1_', 'hunter2', 'f'.repeat(64), `${generateKeyText()}a`, generateKeyText().slice(0, -1)])(
    '%j is no key',
    (text) => {
      expect(thrownError(() => parseKey(text, 'test')).code).toBe('key_malformed')
    },
  )

  test('the id names a key without saying anything of it', () => {
    expect(keyId(new Uint8Array(32))).toMatch(/^[0-9a-f]{4}-[0-9a-f]{4}$/)
    expect(keyId(new Uint8Array(32))).not.toBe(keyId(new Uint8Array(32).fill(1)))
  })
})

describe('key sources', () => {
  const folder = mkdtempSync(join(tmpdir(), 'key-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  const file = (mode: number) => {
    const path = join(folder, `key-${mode.toString(8)}`)
    writeFileSync(path, generateKeyText())
    chmodSync(path, mode)
    return path
  }

  test('none is no error', () => {
    expect(findKey({ name: 'MCP_VAULT_KEY' }, {})).toBeUndefined()
  })

  test('a file that only its owner reads is taken', () => {
    expect(findKey({ name: 'MCP_VAULT_KEY' }, { MCP_VAULT_KEY_FILE: file(0o600) })?.source).toContain(
      'MCP_VAULT_KEY_FILE',
    )
  })

  test.each([0o640, 0o604, 0o660])('a file with mode %o is refused, with the command that mends it', (mode) => {
    const error = thrownError(() => findKey({ name: 'MCP_VAULT_KEY' }, { MCP_VAULT_KEY_FILE: file(mode) }))
    expect(error).toMatchObject({ code: 'key_exposed' })
    expect(error.message).toContain('chmod 600')
  })

  test('two sources are an error that names both', () => {
    const error = thrownError(() =>
      findKey({ name: 'MCP_VAULT_KEY' }, { MCP_VAULT_KEY: generateKeyText(), MCP_VAULT_KEY_FILE: file(0o600) }),
    )
    expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'two_keys' })
    expect(error.message).toMatch(/MCP_VAULT_KEY .*MCP_VAULT_KEY_FILE/)
  })

  test('a missing file is an error that names it', () => {
    const error = thrownError(() => findKey({ name: 'MCP_WEB_KEY' }, { MCP_WEB_KEY_FILE: join(folder, 'gone') }))
    expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'key_file_unreadable' })
  })
})
