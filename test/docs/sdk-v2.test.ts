import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { freePort } from '../harness/free-port.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { exampleTickets } from '../harness/processes/example-client.ts'
import { connectClientV2 } from '../harness/sdk-v2.ts'

const ROOT = join(import.meta.dirname, '../..')

test('the sample of docs/sdk-v2.md serves clients of both revisions, and asks in the call that met a dead token', async () => {
  const [, sample = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs/sdk-v2.md'), 'utf8')) ?? []
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  // Inside the project, where the packages are found.
  const folder = mkdtempSync(join(ROOT, '.cache/sdk-v2-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'server.ts'), sample)
  writeFileSync(join(folder, 'vault.key'), generateKeyText(), { mode: 0o600 })
  const port = await freePort()
  const baseUrl = `http://localhost:${port}`
  const provider = await startIdentityProvider({
    resource: `${baseUrl}/mcp`,
    clients: [browserClient('mcp-form', [`${baseUrl}/credentials/callback`])],
  })
  onTestFinished(() => provider.close())
  const tickets = await exampleTickets()
  const server = spawn(process.execPath, ['--import', 'tsx', 'server.ts'], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      ...{ BASE_URL: baseUrl, PORT: String(port), ISSUER: provider.issuer, TICKETS_URL: tickets.origin },
      MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(async () => {
    server.kill('SIGTERM')
    if (server.exitCode === null) await once(server, 'exit')
  })
  await once(server.stdout, 'data')

  const token = await provider.issueAccessToken('alice')
  const links: string[] = []
  const onLink = async (link: string): Promise<'accept'> => {
    links.push(link)
    await fillIn(link, 'alice', { pat: await tickets.newToken('Alice') })
    return 'accept'
  }
  for (const [at, era] of (['modern', 'legacy'] as const).entries()) {
    const alice = await connectClientV2(`${baseUrl}/mcp`, token, { era, onLink })
    onTestFinished(() => alice.client.close())
    const answer = await alice.text('create_ticket', { title: 'Printer is on fire' })
    expect(answer).toEqual({ text: expect.stringContaining('Printer is on fire'), isError: false })
    // A new token ends the one before, so the same call asks for it.
    await tickets.newToken('Alice')
    const later = await alice.text('create_ticket', { title: 'It still is' })
    expect(later).toEqual({ text: expect.stringContaining('It still is'), isError: false })
    expect(links).toHaveLength(at + 2)
  }
})
