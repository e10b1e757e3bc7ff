import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { loggedIn, requestTokens } from '../../harness/client-login.ts'
import { freePort } from '../../harness/free-port.ts'
import { CLIENT_ID, CLIENT_SECRET, startClosedProvider } from '../../harness/identity/closed-provider.ts'
import { connectClient } from '../../harness/mcp-harness.ts'
import { bundledCommand } from '../../harness/processes/compile-module.ts'
import { startProcess } from '../../harness/processes/running-process.ts'

test('the runnable server, set up by variables alone, logs a client in', async () => {
  const port = await freePort()
  const baseUrl = `http://localhost:${port}`
  const provider = await startClosedProvider(baseUrl)
  const folder = mkdtempSync(join(tmpdir(), 'client-login-'))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const module = file(
    'tools.mjs',
    `export default (server) => server.registerTool('open', {}, () => ({ content: [{ type: 'text', text: 'open to all' }] }))`,
  )
  const server = await startProcess(
    process.execPath,
    [bundledCommand(), 'start', module, '--port', String(port)],
    {
      MCP_SERVER_BASE_URL: baseUrl,
      MCP_VAULT_BACKEND: 'sealed-file',
      MCP_VAULT_FOLDER: join(folder, 'data'),
      MCP_VAULT_KEY_FILE: file('vault.key', generateKeyText()),
      MCP_AUDIT_FOLDER: join(folder, 'audit'),
      MCP_OIDC_ISSUER: provider.issuer,
      MCP_OIDC_CLIENT_ID: CLIENT_ID,
      MCP_OIDC_CLIENT_SECRET_FILE: file('secret', CLIENT_SECRET),
      MCP_OIDC_SCOPES: 'mcp',
      MCP_OIDC_CLIENT_LOGIN: 'true',
      MCP_OIDC_CLIENT_LOGIN_PARAMETERS: 'prompt=consent',
    },
    async () => (await fetch(`${baseUrl}/healthz`).catch(() => undefined))?.ok ?? false,
  )
  onTestFinished(async () => {
    await server.stop()
    await provider.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const { grant } = await loggedIn({ baseUrl })
  const { status, body } = await requestTokens({ baseUrl }, grant)
  expect(status).toBe(200)
  const { client, text } = await connectClient(`${baseUrl}/mcp`, String(body['access_token']), {})
  expect(await text('open')).toEqual({ text: 'open to all', isError: false })
  await client.close()
})
