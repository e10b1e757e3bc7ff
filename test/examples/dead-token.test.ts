import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, onTestFinished, test } from 'vitest'
import { connectMcpClient } from '../../examples/tickets/mcp-client.ts'
import { startTickets } from '../../examples/tickets/tickets-server.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { startTokenService, type TokenService } from '../harness/identity/token-service.ts'
import { fillIn, linkIn } from '../harness/mcp-harness.ts'
import { compiled } from '../harness/processes/compile-module.ts'
import {
  answerOf,
  type ExampleClient,
  exampleClient,
  exampleTickets,
  newTokenAt,
  type ToolAnswer,
  withToken,
} from '../harness/processes/example-client.ts'
import {
  folderWithKey,
  freeUrl,
  type Replacements,
  startExample,
  startHttpExample,
} from '../harness/processes/example-process.ts'
import { startProcess } from '../harness/processes/running-process.ts'
import { fillInLocally, localLinkIn, stdioExample } from '../harness/processes/stdio-example.ts'

const ROOT = join(import.meta.dirname, '../..')
const TICKET = { title: 'Printer is on fire' }

/** The service has ended the token: the same call asks for a new one. */
function expectAsked(answer: ToolAnswer): string {
  expect(answer.text).toContain('rejected your stored credential')
  expect(answer.text).not.toContain('answered 401')
  return /https?:\/\/\S+\/credentials\/\S+/.exec(answer.text)?.[0] ?? ''
}

/** No gate stands in front: the result is a tool's error that says so, and no success about a thing that was not done. */
function expectRefusal(answer: ToolAnswer): void {
  expect(answer).toEqual({ isError: true, text: expect.stringMatching(/answered 401: .*This token is not known here/) })
  expect(answer.text).not.toContain('undefined')
}

const HTTP_EXAMPLES = ['koa/server.ts', 'two-providers/server.ts', 'from-field/server.ts']
const STDIO_EXAMPLES = ['stdio/server.ts', 'low-level-server/server.ts']

test.each(HTTP_EXAMPLES)('%s asks for a new token in the call that met a dead one', async (example) => {
  const { tickets, connect } = await startHttpExample(example, ({ origin }) => ({ WIKI_URL: origin, SITES: origin }))
  const alice = await connect('alice')
  const link = linkIn(await alice.call('create_ticket', TICKET))
  const pat = await tickets.newToken('Alice')
  const fields = (token: string) =>
    example.startsWith('from-field') ? { site: tickets.origin, pat: token } : { pat: token }
  await fillIn(link, 'alice', fields(pat))
  expect(await alice.answer('create_ticket', TICKET)).toMatchObject({ isError: false })
  const next = await tickets.newToken('Alice')
  await fillIn(expectAsked(await alice.answer('create_ticket', TICKET)), 'alice', fields(next))
  expect(await alice.answer('create_ticket', TICKET)).toMatchObject({ isError: false })
})

test('the tool of two-providers that needs both asks for either of them, and ends with a result', async () => {
  const wiki = await exampleTickets()
  const { tickets, connect } = await startHttpExample('two-providers/server.ts', () => ({ WIKI_URL: wiki.origin }))
  const alice = await connect('alice', async (link) => {
    const service = link.includes('/credentials/wiki/') ? wiki : tickets
    await fillIn(link, 'alice', { pat: await service.newToken('Alice') })
  })
  expect(await alice.answer('report_and_ticket', TICKET)).toMatchObject({ isError: false })
  await tickets.newToken('Alice')
  expect(await alice.answer('report_and_ticket', TICKET)).toMatchObject({ isError: false })
  await wiki.newToken('Alice')
  expect(await alice.answer('report_and_ticket', TICKET)).toMatchObject({ isError: false })
})

test.each(STDIO_EXAMPLES)('%s asks for a new token in the call that met a dead one', async (example) => {
  const { tickets, start } = await stdioExample(example)
  const alice = await exampleClient(new StdioClientTransport({ ...start, stderr: 'ignore' }))
  const link = localLinkIn(await alice.call('create_ticket', TICKET))
  await fillInLocally(link, await tickets.newToken('Alice'))
  expect(await alice.answer('create_ticket', TICKET)).toMatchObject({ isError: false })
  const next = await tickets.newToken('Alice')
  await fillInLocally(expectAsked(await alice.answer('create_ticket', TICKET)), next)
  expect(await alice.answer('create_ticket', TICKET)).toMatchObject({ isError: false })
})

test('express-existing/after.ts, whose request is its own as before, reports a token that ended at its service as an error', async () => {
  const { tickets, connect } = await startHttpExample('express-existing/after.ts')
  const alice = await connect('alice')
  await fillIn(linkIn(await alice.call('create_ticket', TICKET)), 'alice', { pat: await tickets.newToken('Alice') })
  expect(await alice.answer('create_ticket', TICKET)).toMatchObject({ isError: false })
  await tickets.newToken('Alice')
  expectRefusal(await alice.answer('create_ticket', TICKET))
})

test('express-existing/before.ts reports a shared token that ended at its service as an error', async () => {
  const { tickets, connect } = await startHttpExample('express-existing/before.ts', async (service) => ({
    TICKETS_TOKEN: await service.newToken('Alice'),
  }))
  const bob = await connect('bob')
  expect(await bob.answer('create_ticket', TICKET)).toMatchObject({ isError: false })
  await tickets.newToken('Alice')
  expectRefusal(await bob.answer('create_ticket', TICKET))
})

test('the tickets example asks for a new token in the call that met a dead one, in both tools', async () => {
  const folder = folderWithKey()
  const environment = { MCP_VAULT_BACKEND: 'memory', MCP_AUDIT_FOLDER: join(folder, 'audit') }
  const tickets = await startTickets({ environment })
  onTestFinished(() => tickets.close())
  const origin = tickets.ticketService.origin
  const alice = await connectMcpClient({ url: tickets.url, user: 'Alice' })
  onTestFinished(() => alice.close())
  const link = linkIn((await answerOf(alice, 'create_ticket', TICKET)).text)
  await fillIn(link, 'alice', { pat: await newTokenAt(origin, 'Alice') })
  expect(await answerOf(alice, 'create_ticket', TICKET)).toMatchObject({ isError: false })
  expect(await answerOf(alice, 'list_tickets')).toMatchObject({ isError: false })
  for (const [tool, parameters] of [
    ['create_ticket', TICKET],
    ['list_tickets', {}],
  ] as const) {
    const next = await newTokenAt(origin, 'Alice')
    await fillIn(expectAsked(await answerOf(alice, tool, parameters)), 'alice', { pat: next })
    expect(await answerOf(alice, tool, parameters)).toMatchObject({ isError: false })
  }
})

interface Sample {
  readonly service: TokenService
  readonly url: string
  readonly folder: string
  readonly issuer: string
}

/** A sample that acts in another service than the examples' own; addresses of its service are replaced, as its reader would. */
async function startSample(
  run: (sample: Sample) => Promise<unknown>,
): Promise<{ service: TokenService; alice: ExampleClient }> {
  const service = await startTokenService()
  const url = await freeUrl()
  const identityProvider = await startIdentityProvider({
    resource: `${url}/mcp`,
    clients: [browserClient('mcp-form', [`${url}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  await run({ service, url, folder: folderWithKey(), issuer: identityProvider.issuer })
  const alice = await exampleClient(withToken(`${url}/mcp`, await identityProvider.issueAccessToken('alice')))
  return { service, alice }
}

const servedFrom =
  (example: string, replaced: (sample: Sample) => Replacements, environment: (sample: Sample) => NodeJS.ProcessEnv) =>
  (sample: Sample) =>
    startExample(example, sample.url, environment(sample), { folder: sample.folder, replacements: replaced(sample) })

const readme = servedFrom(
  '../test/harness/processes/readme-host.ts',
  ({ url, issuer, service }) => ({
    'https://mcp.example.com': url,
    'https://login.example.com': issuer,
    'https://jira.example.com': service.origin,
  }),
  ({ url, issuer }) => ({ BASE_URL: url, ISSUER: issuer }),
)
const gettingStarted = servedFrom(
  'getting-started.ts',
  () => ({}),
  ({ url, issuer, service }) => ({ BASE_URL: url, ISSUER: issuer, SERVICE_ORIGIN: service.origin }),
)
const fromAuthkit = (sample: Sample) => {
  writeFileSync(join(sample.folder, 'confluence.md'), 'Open **Profile → Tokens**.\n')
  const environment = { SERVER_URL: sample.url, ISSUER_URL: sample.issuer }
  return servedFrom(
    'from-mcp-authkit.ts',
    ({ service }) => ({ '*.example.com': service.origin }),
    () => environment,
  )(sample)
}
const startWith = async (module: string, { url, folder, issuer, service }: Sample) => {
  const command = [join(ROOT, 'dist/cli/main.js'), 'start', module]
  const server = await startProcess(
    process.execPath,
    [...command, '--port', new URL(url).port],
    {
      MCP_SERVER_BASE_URL: url,
      MCP_OIDC_ISSUER: issuer,
      MCP_OIDC_CLIENT_ID: 'mcp-form',
      MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
      MCP_VAULT_FOLDER: join(folder, 'data'),
      MCP_AUDIT_FOLDER: join(folder, 'audit'),
      SERVICE_ORIGIN: service.origin,
    },
    async () => (await fetch(`${url}/mcp`, { method: 'POST' })).status === 401,
  )
  onTestFinished(() => server.stop())
}
const toolsModule = (sample: Sample) => startWith(join(ROOT, 'examples/tools.mjs'), sample)
const recipe = (name: string) => (sample: Sample) => startWith(compiled(join(ROOT, 'examples/recipes', name)), sample)

const SAMPLES = [
  ['README.md', 'examples/readme.ts', readme, 'create_issue', TICKET],
  ['docs/getting-started.md', 'examples/getting-started.ts', gettingStarted, 'get_issue', { key: 'IT-1' }],
  ['docs/getting-started.md, without code of your own', 'examples/tools.mjs', toolsModule, 'who_am_i', {}],
  ['docs/recipes.md', 'examples/recipes/tools.ts', recipe('tools.ts'), 'get_issue', { key: 'IT-1' }],
  [
    'docs/recipes.md, an account',
    'examples/recipes/accounts.ts',
    recipe('accounts.ts'),
    'who_am_i',
    { account: 'work' },
  ],
  ['docs/migrating-from-mcp-authkit.md', 'examples/from-mcp-authkit.ts', fromAuthkit, 'list_pages', { space: 'IT' }],
] as const

/** The samples whose `verify` refuses a dead token on the form. */
const VERIFIES: readonly string[] = ['examples/getting-started.ts', 'examples/tools.mjs', 'examples/recipes/tools.ts']

test.each(SAMPLES)(
  'the sample of %s asks for a new token in the call that met a dead one',
  async (_, file, run, tool, parameters) => {
    const { service, alice } = await startSample(run)
    const pat = service.newToken()
    const fields = file.includes('authkit') ? { base_url: service.origin, pat } : { pat }
    await fillIn(linkIn(await alice.call(tool, parameters)), 'alice', fields)
    expect(await alice.answer(tool, parameters)).toMatchObject({ isError: false })
    service.endToken(pat)
    const again = expectAsked(await alice.answer(tool, parameters))
    if (VERIFIES.includes(file))
      expect((await fillIn(again, 'alice', fields)).html).toContain('does not know this token')
    await fillIn(again, 'alice', { ...fields, pat: service.newToken() })
    expect(await alice.answer(tool, parameters)).toMatchObject({ isError: false })
  },
)

test('every example and every sample of a page that takes a credential is called above', () => {
  const called = [
    ...[...HTTP_EXAMPLES, ...STDIO_EXAMPLES, 'express-existing/after.ts', 'tickets/tickets-server.ts'].map(
      (name) => `examples/${name}`,
    ),
    ...SAMPLES.map(([, file]) => file),
    // test/examples/both-sdks.test.ts meets a dead token.
    'examples/both-sdks/tools.ts',
  ]
  const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: ROOT, encoding: 'utf8' }).split(
    '\n',
  )
  const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
  const takes = (text: string) => /\.getCredentials\(|\n\s+\.getCredentials\(/.test(text)
  const examples = tracked.filter((path) => /^examples\/.*\.(ts|mjs)$/.test(path) && takes(read(path)))
  expect(examples.sort()).toEqual([...called].sort())
  const texts = new Set(called.map(read))
  // test/docs/sdk-v2.test.ts meets a dead token with clients of both revisions.
  const elsewhere = ['docs/api.md', 'docs/sdk-v2.md']
  const pages = tracked.filter((path) => /^(?:[A-Z]+|docs\/.*)\.md$/.test(path) && !elsewhere.includes(path))
  const samples = pages.flatMap((page) =>
    [...read(page).matchAll(/```[mc]?[jt]s\n([\s\S]*?)```/g)].flatMap(([, text = '']) =>
      takes(text) ? [{ page, text }] : [],
    ),
  )
  expect(samples.length).toBeGreaterThan(5)
  expect(samples.filter(({ text }) => !texts.has(text))).toEqual([])
})
