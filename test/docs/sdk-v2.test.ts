import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { McpServer } from '@modelcontextprotocol/server'
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

const page = readFileSync(join(ROOT, 'docs/sdk-v2.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, found, text = '']) => (found === language ? [text] : []))

/** What the later samples take from the first one, as the page says. */
const FIRST_SAMPLE = `import type Koa from 'koa'
import type { CredentialsProvider, CredentialVault } from 'mcp-credential-vault'
import type { CreateServer } from 'mcp-credential-vault/mcp/sdk-v2'

declare global {
  const TICKETS_URL: string
  const app: Koa
  const createServer: CreateServer
  const tickets: CredentialsProvider<{ pat: { label: string; type: 'password' } }>
  const vault: CredentialVault
}
`

test('every sample of the page imports what it uses, and compiles with the project’s own options', () => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.cache/sdk-v2-samples-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [whole = '', ...later] = blocks('ts')
  expect(later).toHaveLength(4)
  writeFileSync(join(folder, 'first.ts'), whole)
  writeFileSync(join(folder, 'from-the-first.ts'), FIRST_SAMPLE)
  for (const [at, text] of later.entries()) writeFileSync(join(folder, `later-${at}.ts`), text)
  const compilerOptions = { noUnusedLocals: false }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: ['.'] }),
  )
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

test('the module without code of its own is one that start serves with SDK 2.x', async () => {
  mkdirSync(join(ROOT, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(ROOT, '.cache/sdk-v2-module-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [text = ''] = blocks('js')
  const file = join(folder, 'tools.mjs')
  writeFileSync(file, text)
  const module = await import(pathToFileURL(file).href)
  expect(module.sdk).toBe('v2')
  expect(module.default(new McpServer({ name: 'test', version: '1.0.0' }))).toBeUndefined()
})
