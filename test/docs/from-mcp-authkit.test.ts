import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect, onTestFinished, test } from 'vitest'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { freePort } from '../harness/free-port.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { fillIn, linkIn } from '../harness/mcp-harness.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import { startProcess } from '../harness/processes/running-process.ts'

test('the server of docs/migrating-from-mcp-authkit.md asks, saves, and then runs its tool', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'authkit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'vault.key'), generateKeyText(), { mode: 0o600 })
  writeFileSync(join(folder, 'confluence.md'), 'Open **Profile → Tokens**.\n')
  const url = `http://localhost:${await freePort()}`
  const identityProvider = await startIdentityProvider({
    resource: `${url}/mcp`,
    clients: [browserClient('mcp-form', [`${url}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  const example = compiled(join(import.meta.dirname, '../../examples/from-mcp-authkit.ts'))
  // It reads confluence.md in the folder that it is started in.
  const environment = {
    SERVER_URL: url,
    PORT: new URL(url).port,
    ISSUER_URL: identityProvider.issuer,
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
    MCP_VAULT_FOLDER: join(folder, 'data'),
  }
  const inFolder = ['-e', `process.chdir(${JSON.stringify(folder)}); await import(${JSON.stringify(example)})`]
  const server = await startProcess(
    process.execPath,
    ['--input-type=module', ...inFolder],
    environment,
    async () => (await fetch(`${url}/mcp`)).status === 401,
  )
  onTestFinished(() => server.stop())

  const token = await identityProvider.issueAccessToken('alice')
  const client = new Client({ name: 'test', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  onTestFinished(() => client.close())
  const call = async () => {
    const answer = await client.callTool({ name: 'list_pages', arguments: { space: 'IT' } })
    const [content] = CallToolResultSchema.parse(answer).content
    return content?.type === 'text' ? content.text : ''
  }

  const link = linkIn(await call())
  expect(link).toContain('/credentials/confluence/entry')
  const fields = { base_url: 'https://nowhere.example.com', pat: 'a-token-of-twenty-bytes' }
  expect(textOf((await fillIn(link, 'alice', fields)).html)).toContain('saved')
  // The tool runs, and its service is nowhere.
  expect(await call()).toBe('fetch failed')
  await server.stop('SIGTERM')
  expect(server.child.exitCode).toBe(0)
})
