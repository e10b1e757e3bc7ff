import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type AcceptedKeysSource, findAcceptedKeys } from '../../../src/core/crypto/accepted-keys.ts'
import { formatKey, generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { thrownError } from '../../harness/thrown-error.ts'

const folder = mkdtempSync(join(tmpdir(), 'accepted-keys-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const current = randomBytes(32)
const [a, b] = [randomBytes(32), randomBytes(32)]
const source: AcceptedKeysSource = {
  name: 'MCP_WEB_KEY',
  option: 'openVault.acceptedWebKeys',
  current,
  derived: undefined,
}
const hex = (keys: readonly Uint8Array[]) => keys.map((key) => Buffer.from(key).toString('hex'))
const file = (name: string, text: string, mode = 0o600) => {
  const path = join(folder, name)
  writeFileSync(path, text, { mode })
  return path
}

describe('where the list comes from', () => {
  test.each([
    ['nowhere', {}, []],
    ['an empty variable', { MCP_WEB_KEY_ACCEPTED: '', MCP_WEB_KEY_ACCEPTED_FILE: '' }, []],
    ['one in the variable', { MCP_WEB_KEY_ACCEPTED: formatKey(a) }, [a]],
    ['two, with commas', { MCP_WEB_KEY_ACCEPTED: `${formatKey(a)}, ${formatKey(b)}` }, [a, b]],
    [
      'a file, one on each line',
      { MCP_WEB_KEY_ACCEPTED_FILE: file('two', `${formatKey(a)}\n${formatKey(b)}\n`) },
      [a, b],
    ],
  ])('%s', (_, environment, keys) => {
    expect(hex(findAcceptedKeys(source, environment))).toEqual(hex(keys))
  })

  test('options in code replace the variables', () => {
    const environment = { MCP_WEB_KEY_ACCEPTED: formatKey(b) }
    expect(hex(findAcceptedKeys({ ...source, texts: [formatKey(a)] }, environment))).toEqual(hex([a]))
    expect(hex(findAcceptedKeys({ ...source, texts: [] }, environment))).toEqual([])
  })

  test('"derived" is the key that follows the store key', () => {
    expect(hex(findAcceptedKeys({ ...source, derived: b }, { MCP_WEB_KEY_ACCEPTED: 'derived' }))).toEqual(hex([b]))
  })
})

describe('a mistake is refused at the start, by the name of its variable and without the key', () => {
  const good = formatKey(a)
  const five = Array.from({ length: 5 }, generateKeyText).join(' ')
  test.each([
    ['the current key', { MCP_WEB_KEY_ACCEPTED: formatKey(current) }, 'same_key', 'MCP_WEB_KEY_ACCEPTED: key 1'],
    ['a key twice', { MCP_WEB_KEY_ACCEPTED: `${good} ${good}` }, 'same_key', 'key 2 is the same as another'],
    ['five keys', { MCP_WEB_KEY_ACCEPTED: five }, 'accepted_keys', '5 keys are listed, and at most 4'],
    [
      'a cut key',
      { MCP_WEB_KEY_ACCEPTED: good.slice(0, -1) },
      'key_text',
      'MCP_WEB_KEY_ACCEPTED is not a key: it has 53',
    ],
    ['a key with a wrong character', { MCP_WEB_KEY_ACCEPTED: `${good},mcv1_${'!'.repeat(49)}` }, 'key_text', 'key 2,'],
    [
      'both variables',
      { MCP_WEB_KEY_ACCEPTED: good, MCP_WEB_KEY_ACCEPTED_FILE: file('one', good) },
      'two_keys',
      'by MCP_WEB_KEY_ACCEPTED and by MCP_WEB_KEY_ACCEPTED_FILE',
    ],
    [
      'an empty file',
      { MCP_WEB_KEY_ACCEPTED_FILE: file('empty', '\n') },
      'accepted_keys',
      'MCP_WEB_KEY_ACCEPTED_FILE (',
    ],
    ['a missing file', { MCP_WEB_KEY_ACCEPTED_FILE: join(folder, 'none') }, 'key_file_unreadable', 'cannot be read'],
    [
      'a file that others read',
      { MCP_WEB_KEY_ACCEPTED_FILE: file('open', good, 0o644) },
      'key_file_mode',
      'may be read by other users',
    ],
    ['"derived" without a store key', { MCP_WEB_KEY_ACCEPTED: 'derived' }, 'accepted_keys', 'no store key'],
    ['a mistyped "derived"', { MCP_WEB_KEY_ACCEPTED: 'derive' }, 'key_text', 'nor the word "derived"'],
  ])('%s', (_, environment, reason, words) => {
    const error = thrownError(() => findAcceptedKeys(source, environment))
    expect(error).toMatchObject({ reason })
    expect(String(error)).toContain(words)
    expect(String(error)).not.toContain(good.slice(5, 30))
  })

  test('accepted keys without a current one', () => {
    const error = thrownError(() => findAcceptedKeys({ ...source, current: undefined }, { MCP_WEB_KEY_ACCEPTED: good }))
    expect(error).toMatchObject({ code: 'configuration_invalid', reason: 'accepted_keys' })
    expect(String(error)).toContain('MCP_WEB_KEY_FILE')
  })
})
