import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { textOf } from '../../examples/tickets/http-browser.ts'
import { connectMcpClient } from '../../examples/tickets/mcp-client.ts'
import { freePort } from '../harness/free-port.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { fillIn, linkIn } from '../harness/mcp-harness.ts'
import { answerOf, exampleClient, exampleTickets } from '../harness/processes/example-client.ts'
import { fillInLocally, localLinkIn } from '../harness/processes/stdio-example.ts'

const ROOT = join(import.meta.dirname, '../..')
const TICKET = { title: 'Printer is on fire' }
const page = readFileSync(join(ROOT, 'docs/plug-in.md'), 'utf8')
const manifest: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
const TARBALL = `mcp-credential-vault-${manifest.version}.tgz`
/** For the tarball, and a folder for each section. */
let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'plug-in-'))
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', root], { cwd: ROOT })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The code blocks of one section, in their order. */
function blocks(heading: string, language: string): string[] {
  const section = heading === '' ? page.split(/^## /m)[0] : page.split(/^## /m).find((text) => text.startsWith(heading))
  return [...(section ?? '').matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, found, text = '']) =>
    found === language ? [text] : [],
  )
}

type Replacements = Readonly<Record<string, string>>
const replaced = (text: string, by: Replacements) =>
  Object.entries(by).reduce((result, [from, to]) => result.replaceAll(from, to), text)

/** The home of a reader who does everything in one folder. */
const atHomeIn = (folder: string): Replacements => ({ '~/': `${folder}/`, '/home/alice/tickets': folder })
const folders = new Map<string, string>()

/** An empty folder in which a section was followed up to the start of its server; once, because npm takes its time. */
function followed(section: string): string {
  const made = folders.get(section)
  if (made !== undefined) return made
  const folder = mkdtempSync(join(root, 'plug-in-'))
  copyFileSync(join(root, TARBALL), join(folder, TARBALL))
  const [, init = ''] = blocks('', 'sh')
  const [install = ''] = blocks(section, 'sh')
  const [server = ''] = blocks(section, 'ts')
  expect(page).toContain(TARBALL)
  for (const commands of [init, install])
    execFileSync('sh', ['-ec', replaced(commands, atHomeIn(folder))], { cwd: folder, stdio: 'pipe' })
  writeFileSync(join(folder, 'server.ts'), server)
  folders.set(section, folder)
  return folder
}

async function walk(section: string): Promise<void> {
  const tickets = await exampleTickets()
  const url = `http://localhost:${await freePort()}`
  const identityProvider = await startIdentityProvider({
    resource: `${url}/mcp`,
    clients: [browserClient('mcp-form', [`${url}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  const folder = followed(section)
  const start = replaced(blocks(section, 'sh')[1] ?? '', {
    '8005': new URL(url).port,
    'https://login.example.com': identityProvider.issuer,
    'https://tickets.example.com': tickets.origin,
  })
  // npx and tsx have processes of their own, which end with their group.
  const server = spawn('sh', ['-ec', start], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    // What npm says about its own settings is not the server's.
    env: { ...process.env, npm_config_loglevel: 'error' },
  })
  const ended = once(server, 'exit')
  let output = ''
  for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => (output += chunk))
  onTestFinished(async () => {
    if (server.pid !== undefined && server.exitCode === null) process.kill(-server.pid, 'SIGTERM')
    await ended
  })
  const status = () => fetch(`${url}/mcp`, { method: 'POST' }).then((answer) => answer.status, String)
  await expect.poll(status).toBe(401)

  const metadata = await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)
  expect(metadata.status).toBe(200)
  expect(await metadata.json()).toMatchObject({ resource: `${url}/mcp` })
  // Nothing but the URL: the client finds the identity provider, registers there, and signs its user in.
  const alice = await connectMcpClient({ url: `${url}/mcp`, user: 'Alice' })
  onTestFinished(() => alice.close())
  const link = linkIn((await answerOf(alice, 'create_ticket', TICKET)).text)
  const saved = await fillIn(link, 'alice', { pat: await tickets.newToken('Alice') })
  expect(textOf(saved.html)).toContain('Tickets is connected')
  const created = await answerOf(alice, 'create_ticket', TICKET)
  expect(created).toMatchObject({ isError: false, text: expect.stringContaining('"reporter":"alice"') })
  expect(page).toContain('It prints `Serving http://localhost:8005/mcp on port 8005`.')
  expect(output).toBe(`Serving ${url}/mcp on port ${new URL(url).port}\n`)
}

/** npm installs a project, which takes minutes on a machine that is busy with something else. */
const LONG = 300_000
test(
  'Koa: the page alone, followed in an empty folder, leads to a ticket for a client that signed in',
  () => walk('Koa'),
  LONG,
)
test(
  'Express: the page alone, followed in an empty folder, leads to a ticket for a client that signed in',
  () => walk('Express'),
  LONG,
)

test(
  'stdio: the page alone, followed in an empty folder, leads to a ticket',
  async () => {
    const tickets = await exampleTickets()
    const folder = followed('stdio')
    const [json = ''] = blocks('stdio', 'json')
    const started = z.object({ command: z.string(), args: z.array(z.string()), env: z.record(z.string(), z.string()) })
    const { mcpServers } = z
      .object({ mcpServers: z.object({ tickets: started }) })
      .parse(JSON.parse(replaced(json, { ...atHomeIn(folder), 'https://tickets.example.com': tickets.origin })))
    const env = { ...mcpServers.tickets.env, HOME: folder, PATH: process.env['PATH'] ?? '' }
    const transport = new StdioClientTransport({ ...mcpServers.tickets, env, stderr: 'ignore' })
    const alice = await exampleClient(transport)
    const link = localLinkIn(await alice.call('create_ticket', TICKET))
    await fillInLocally(link, await tickets.newToken('Alice'))
    expect(await alice.call('create_ticket', TICKET)).toContain('"reporter":"alice"')
  },
  LONG,
)

test.each([
  ['Koa', 'examples/koa/server.ts'],
  ['Express', 'examples/express-existing/after.ts'],
  ['stdio', 'examples/stdio/server.ts'],
])('the server of %s is %s, which the type check covers', (section, example) => {
  expect(blocks(section, 'ts')[0]).toBe(readFileSync(join(ROOT, example), 'utf8'))
})

/** What the compiler says; empty when the project compiles. */
function compile(folder: string): string {
  // More threads check the same declarations more than once.
  const words = ['node_modules/typescript/bin/tsc', '-p', '.', '--singleThreaded']
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
  return status === 0 ? stdout : `${status} ${stdout}${stderr}`
}

/** Whatever npm puts where, which is another place in a project that installs in another order: a lockfile would hide it. */
test.each(['Koa', 'Express', 'stdio'])(
  'without a lockfile, the %s server compiles in a folder made as this page and typescript.md say',
  (section) => {
    const folder = followed(section)
    const typescript = readFileSync(join(ROOT, 'docs/typescript.md'), 'utf8')
    const blocksIn = (language: string) =>
      [...typescript.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, found, text = '']) =>
        found === language ? [text] : [],
      )
    const types = blocksIn('sh').filter(
      (command, at) => at === 0 || command.includes(`@types/${section.toLowerCase()}`),
    )
    expect(types).toHaveLength(section === 'stdio' ? 1 : 2)
    execFileSync('sh', ['-ec', types.join('\n')], { cwd: folder, stdio: 'pipe' })
    writeFileSync(join(folder, 'tsconfig.json'), blocksIn('json')[0] ?? '')
    expect(compile(folder)).toBe('')
    execFileSync('npm', ['install', '--silent', '--no-fund', '--no-audit', '@types/node@20'], {
      cwd: folder,
      stdio: 'pipe',
    })
    expect(compile(folder)).toBe('')
  },
  LONG,
)
