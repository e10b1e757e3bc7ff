import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import type { IdentityMode } from '../../src/core/ports/identity.ts'
import { vaultOptionsFromEnvironment } from '../../src/vault/environment/vault-options-from-environment.ts'
import { clientLoginMessages } from '../../src/web/pages/client-login-messages.ts'
import { CALLBACK_URL, SERVER_BASE_URL, startFormProvider } from '../harness/identity/opened-identity.ts'
import { blocksOf } from '../harness/processes/run-page-commands.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/client-login.md'), 'utf8')

/** The variables of the page, as a shell that reads its lines gives them to a command. */
function variablesInAShell(): NodeJS.Dict<string> {
  const [lines = ''] = blocksOf('docs/client-login.md', 'Set it up', 'sh')
  const script = `set -ae\n${lines}\nexec "$NODE" -p 'JSON.stringify(process.env)'`
  const printed = execFileSync('/bin/sh', ['-c', script], { env: { NODE: process.execPath }, encoding: 'utf8' })
  const { NODE, PWD, SHLVL, _, ...variables }: NodeJS.Dict<string> = JSON.parse(printed)
  // `--environment` reads the same from a file.
  expect(parseEnv(lines)).toEqual(variables)
  return variables
}

test('the variables of the page turn the login on, with what its sample in code has', async () => {
  const provider = await startFormProvider()
  onTestFinished(() => provider.close())
  const [sample = ''] = blocksOf('docs/client-login.md', 'Set it up', 'ts')
  const { identity } = vaultOptionsFromEnvironment({
    MCP_SERVER_BASE_URL: SERVER_BASE_URL.href,
    MCP_VAULT_BACKEND: 'memory',
    MCP_OIDC_ISSUER: provider.issuer,
    MCP_OIDC_CLIENT_ID: 'credential-form',
    ...variablesInAShell(),
  })
  const context = { serverBaseUrl: SERVER_BASE_URL, callbackUrl: CALLBACK_URL, warn: () => undefined }
  const { clientLogin } = await (identity as IdentityMode).open(context)
  expect(clientLogin?.redirectUris).toHaveLength(2)
  for (const text of [...(clientLogin?.redirectUris ?? []), ...(clientLogin?.metadataHosts ?? [])]) {
    expect(sample).toContain(`'${text}'`)
  }
})

test('the symptoms are what users read', () => {
  expect(page).toContain(clientLoginMessages.clientUnknown().heading)
  expect(clientLoginMessages.clientRedirect().heading).toContain('wants you sent to another place than it registered')
  expect(page).toContain('wants you sent to another place than it registered')
})

test('the table has each provider that people ask for', () => {
  for (const name of ['Entra ID', 'Okta', 'Keycloak', 'Auth0', 'Google', 'PingFederate']) {
    expect(page).toMatch(new RegExp(`^\\| ${name}`, 'm'))
  }
})
