import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { freePort } from '../free-port.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from '../identity/identity-provider.ts'
import { compiledIn, compiledTree } from './compile-module.ts'
import { type ExampleClient, type ExampleTickets, exampleClient, exampleTickets, withToken } from './example-client.ts'
import { type RunningProcess, startProcess } from './running-process.ts'

/** An empty folder that has a vault key, and goes with the test. */
export function folderWithKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'example-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'vault.key'), generateKeyText(), { mode: 0o600 })
  return folder
}

/** Addresses of a sample that its reader replaces by their own. */
export type Replacements = Readonly<Record<string, string>>

/** Parameters for Node that run an example in a folder, as its reader would: `./data` is there. */
export async function nodeParameters(
  example: string,
  folder: string,
  replacements: Replacements = {},
): Promise<string[]> {
  const examples = join(import.meta.dirname, '../../../examples')
  const tree = Object.keys(replacements).length === 0 ? compiledTree() : changedExamples(replacements)
  const script = compiledIn(tree, join(examples, example))
  const run = `process.chdir(${JSON.stringify(folder)}); await import(${JSON.stringify(script)})`
  return ['--input-type=module', '-e', run]
}

/** Compiled code of its own, whose examples may be changed. It ends with the test. */
function changedExamples(replacements: Replacements): string {
  const compiled = compiledTree()
  const tree = mkdtempSync(join(dirname(compiled), 'changed-'))
  onTestFinished(() => rmSync(tree, { recursive: true, force: true }))
  // A test's own server may import an example, so both are copies: a link would lead back to the unchanged ones.
  const copied = ['examples', 'test']
  for (const name of copied) cpSync(join(compiled, name), join(tree, name), { recursive: true })
  for (const name of readdirSync(compiled).filter((one) => !copied.includes(one)))
    symlinkSync(join(compiled, name), join(tree, name))
  replaceIn(join(tree, 'examples'), replacements)
  return tree
}

function replaceIn(folder: string, replacements: Replacements): void {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.js'))) {
    const text = readFileSync(join(folder, file), 'utf8')
    const replaced = Object.entries(replacements).reduce((result, [from, to]) => result.replaceAll(from, to), text)
    if (replaced !== text) writeFileSync(join(folder, file), replaced)
  }
}

/** A free address on loopback, for a server that has to be told one. */
export async function freeUrl(): Promise<string> {
  return `http://localhost:${await freePort()}`
}

/** Runs an HTTP example as a process of its own until its MCP endpoint asks for a token. */
export async function startExample(
  example: string,
  url: string,
  environment: NodeJS.ProcessEnv,
  { folder = folderWithKey(), replacements = {} }: { folder?: string; replacements?: Replacements } = {},
): Promise<RunningProcess> {
  const server = await startProcess(
    process.execPath,
    await nodeParameters(example, folder, replacements),
    { MCP_VAULT_KEY_FILE: join(folder, 'vault.key'), PORT: new URL(url).port, ...environment },
    async () => (await fetch(`${url}/mcp`, { method: 'POST' })).status === 401,
  )
  onTestFinished(() => server.stop())
  return server
}

export interface HttpExample {
  readonly url: string
  readonly tickets: ExampleTickets
  readonly identityProvider: TestIdentityProvider
  readonly server: RunningProcess
  /** A client with this user's own access token; with `onLink` it can be asked by URL elicitation. */
  connect(user: string, onLink?: (link: string) => unknown): Promise<ExampleClient>
}

/** An HTTP example with an identity provider and a ticket service; all of it ends with the test. */
export async function startHttpExample(
  example: string,
  more: (tickets: ExampleTickets) => NodeJS.ProcessEnv | Promise<NodeJS.ProcessEnv> = () => ({}),
): Promise<HttpExample> {
  const url = await freeUrl()
  const tickets = await exampleTickets()
  const identityProvider = await startIdentityProvider({
    resource: `${url}/mcp`,
    clients: [browserClient('mcp-form', [`${url}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  const environment = { BASE_URL: url, ISSUER: identityProvider.issuer, TICKETS_URL: tickets.origin }
  const server = await startExample(example, url, { ...environment, ...(await more(tickets)) })
  return {
    url,
    tickets,
    identityProvider,
    server,
    connect: async (user, onLink) =>
      exampleClient(withToken(`${url}/mcp`, await identityProvider.issueAccessToken(user)), onLink),
  }
}
