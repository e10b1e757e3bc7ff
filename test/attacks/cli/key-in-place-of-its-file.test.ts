import { expect, test } from 'vitest'
import { findEnvelopeKeys } from '../../../src/backends/sealed-envelope/envelope-keys.ts'
import { findAcceptedKeys } from '../../../src/core/crypto/accepted-keys.ts'
import { findKey } from '../../../src/core/crypto/key-source.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'

// An operator sets MCP_…_FILE to the key itself. The message goes to the terminal, and to the log of the server that does not start.
const key = generateKeyText()
const other = generateKeyText()
const warn = () => undefined

test.each([
  ['MCP_VAULT_KEY_FILE', () => findKey({ name: 'MCP_VAULT_KEY', warn } as never, { MCP_VAULT_KEY_FILE: key })],
  ['MCP_WEB_KEY_FILE', () => findKey({ name: 'MCP_WEB_KEY', warn }, { MCP_WEB_KEY_FILE: key })],
  [
    'MCP_WEB_KEY_ACCEPTED_FILE',
    () =>
      findAcceptedKeys(
        { name: 'MCP_WEB_KEY', option: 'x', current: parseKey(other, 'x'), derived: undefined, warn },
        { MCP_WEB_KEY_ACCEPTED_FILE: key },
      ),
  ],
  ['MCP_SEALED_ENVELOPE_KEY_FILE', () => findEnvelopeKeys({ warn }, { MCP_SEALED_ENVELOPE_KEY_FILE: key })],
  [
    'MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE',
    () => findEnvelopeKeys({ warn }, { MCP_SEALED_ENVELOPE_KEY: other, MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE: key }),
  ],
])('%s: the key is not in the message', (_name, find) => {
  let message = ''
  try {
    find()
  } catch (error) {
    message = String(error)
  }
  expect(message).not.toBe('')
  expect(message).not.toContain(key)
})
