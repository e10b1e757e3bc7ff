import { expect, onTestFinished, test } from 'vitest'
import { findEnvelopeKeys } from '../../../src/backends/sealed-envelope/envelope-keys.ts'
import { findAcceptedKeys } from '../../../src/core/crypto/accepted-keys.ts'
import { findKey } from '../../../src/core/crypto/key-source.ts'
import { generateKeyText, parseKey } from '../../../src/core/crypto/key-text.ts'
import { oidc } from '../../../src/identity/oidc.ts'
import { auditFromEnvironment } from '../../../src/vault/environment/audit-from-environment.ts'
import { scimTokenOf } from '../../../src/vault/scim-token.ts'
import { ISSUER, mainCommand } from '../../harness/processes/cli-process.ts'

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

test.each([
  ['oidc.clientSecretFile', openOidc],
  ['openVault.admin.scim[0].tokenFile', async () => scimTokenOf(SCIM, { tokenFile: key }, warn)],
  ['MCP_AUDIT_ANCHOR_TOKEN_FILE', async () => auditFromEnvironment(ANCHOR)],
])('%s: the key is not in the message', async (name, open) => {
  const message = await open().then(() => '', String)
  expect(message).toContain(`${name} (not shown`)
  expect(message).not.toContain(key)
})

const ANCHOR = { MCP_AUDIT_ANCHOR: 'https://anchor.example.com/', MCP_AUDIT_ANCHOR_TOKEN_FILE: key }
const SCIM = 'openVault.admin.scim[0]'

async function openOidc() {
  const serverBaseUrl = new URL('http://localhost:8005')
  const identity = oidc({ issuer: 'https://login.example.com', clientId: 'c', clientSecretFile: key })
  return identity.open({ serverBaseUrl, callbackUrl: new URL('/cb', serverBaseUrl).href, warn } as never)
}

test.each([
  ['start', 'tools.mjs', '--environment'],
  ['doctor', '--environment'],
  ['start'],
  ['seed', '--csv'],
  ['import', 'env', '--provider', 'jira', '--issuer', ISSUER, '--subject', 'a', '--field', 'pat=A', '--file'],
  ['orphans', '--owners'],
  ['offboard', '--issuer', ISSUER, '--subject', 'a', '--server', 'http://127.0.0.1:9', '--token-file'],
  ['keys', 'rewrap', '--new-key-file'],
  ['keygen', '--out'],
])(
  '%s %s %s: a key in place of the file is not printed',
  async (...words) => {
    const command = await mainCommand()
    onTestFinished(() => command.remove())
    const { out, error } = await command.run([...words.filter((word) => word !== undefined), key])
    expect(out + error).not.toBe('')
    expect(out + error).not.toContain(key.slice(5, 20))
  },
  60_000,
)
