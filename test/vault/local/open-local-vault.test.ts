import { createServer } from 'node:http'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import type { OpenVaultOptions } from '../../../src/index.ts'
import { credentialGate } from '../../../src/mcp/sdk-v1/index.ts'
import { type LocalVaultOptions, openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { freePort } from '../../harness/free-port.ts'
import { rejectionOf } from '../../harness/thrown-error.ts'

const options = (): LocalVaultOptions => ({ backend: memoryBackend(), audit: memoryAudit(), warn: () => undefined })

test('it serves the form on the port that was chosen, and on 127.0.0.1 alone, until it is closed', async () => {
  const port = await freePort()
  const vault = await openLocalVault({ ...options(), port, name: 'Alice' })
  expect(vault.serverBaseUrl.href).toBe(`http://127.0.0.1:${port}/`)
  const page = `http://127.0.0.1:${port}/credentials/jira/entry?t=${'a'.repeat(43)}`
  expect((await fetch(page)).status).toBe(200)
  expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404)
  await expect(fetch(page.replace('127.0.0.1', '127.0.0.2'))).rejects.toThrow()
  await vault.close()
  await expect(fetch(page)).rejects.toThrow()
})

test('a port that is taken is named, and a vault that does not open leaves none behind', async () => {
  const other = createServer()
  const port = await freePort()
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  expect(await rejectionOf(openLocalVault({ ...options(), port }))).toMatchObject({
    code: 'configuration_invalid',
    reason: 'port',
    message: expect.stringContaining(`127.0.0.1:${port}`),
  })
  const free = await freePort()
  const backend = { ...memoryBackend(), open: () => Promise.reject(new Error('down')) }
  await expect(openLocalVault({ ...options(), backend, port: free })).rejects.toThrow()
  await expect(fetch(`http://127.0.0.1:${free}/`)).rejects.toThrow()
})

test('what it decides itself cannot be given', async () => {
  const given: Partial<OpenVaultOptions> = { serverBaseUrl: 'https://mcp.example.com', ownerFrom: () => undefined }
  const error = await rejectionOf(openLocalVault({ ...options(), ...given }))
  expect(error.message).toContain('openLocalVault.serverBaseUrl: there is no such option')
  expect(error.message).toContain('openLocalVault.ownerFrom: there is no such option')
})

test('a waiting call is answered when the vault closes, and a later one is refused', async () => {
  const vault = await openLocalVault(options())
  const forge = new CredentialsProvider({
    vault,
    name: 'forge',
    variables: { pat: { label: 'Token', type: 'password' } },
    accounts: ['work'],
  })
  const server = new McpServer({ name: 'test', version: '1.0.0' })
  const gated = credentialGate(server)(forge, { account: 'work' }, async () => ({ content: [] }))
  server.registerTool('at_work', {}, gated)
  const client = new Client({ name: 'test', version: '1.0.0' }, { capabilities: { elicitation: { url: {} } } })
  let asked = 0
  client.setRequestHandler(ElicitRequestSchema, async () => {
    asked += 1
    return { action: 'accept' }
  })
  const [near, far] = InMemoryTransport.createLinkedPair()
  await Promise.all([server.connect(far), client.connect(near)])
  const call = client.callTool({ name: 'at_work', arguments: {} })
  await expect.poll(() => asked).toBe(1)
  await vault.close()
  const again = client.callTool({ name: 'at_work', arguments: {} })
  const texts = (await Promise.all([call, again])).map(({ content }) => JSON.stringify(content))
  expect(texts).toEqual([
    expect.stringMatching(/restarting.*Forge \(work\).*its link has ended/),
    expect.stringMatching(/restarting.*did not run/),
  ])
})
