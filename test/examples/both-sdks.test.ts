import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { exampleClient, exampleTickets, withToken } from '../harness/processes/example-client.ts'
import { folderWithKey, freeUrl, startExample } from '../harness/processes/example-process.ts'
import { connectClientV2 } from '../harness/sdk-v2.ts'

const textOf = (file: string) => readFileSync(join(import.meta.dirname, '../../examples/both-sdks', file), 'utf8')

test('the servers of both SDKs load one tools module, and what was entered in one is there in the other', async () => {
  const url = await freeUrl()
  const folder = folderWithKey()
  const tickets = await exampleTickets()
  const identityProvider = await startIdentityProvider({
    resource: `${url}/mcp`,
    clients: [browserClient('mcp-form', [`${url}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())
  const environment = { BASE_URL: url, ISSUER: identityProvider.issuer, TICKETS_URL: tickets.origin }
  const token = await identityProvider.issueAccessToken('alice')
  const links: string[] = []
  const save = async (link: string): Promise<'accept'> => {
    links.push(link)
    await fillIn(link, 'alice', { pat: await tickets.newToken('Alice') })
    return 'accept'
  }

  const before = await startExample('both-sdks/server-v1.ts', url, environment, { folder })
  const old = await exampleClient(withToken(`${url}/mcp`, token), save)
  expect(await old.call('create_ticket', { title: 'Before' })).toContain('"reporter":"alice"')
  expect(links).toHaveLength(1)
  await before.stop('SIGTERM')

  await startExample('both-sdks/server-v2.ts', url, environment, { folder })
  for (const era of ['modern', 'legacy'] as const) {
    const alice = await connectClientV2(`${url}/mcp`, token, { era, onLink: save })
    onTestFinished(() => alice.client.close())
    const answer = await alice.text('create_ticket', { title: `After, ${era}` })
    expect(answer).toEqual({ text: expect.stringContaining(`After, ${era}`), isError: false })
  }
  const same = await exampleClient(withToken(`${url}/mcp`, token), save)
  expect(await same.call('create_ticket', { title: 'The same client' })).toContain('The same client')
  // Nobody was asked again.
  expect(links).toHaveLength(1)

  // The new server asks by itself, too: a new token ends the one that is stored.
  await tickets.newToken('Alice')
  const modern = await connectClientV2(`${url}/mcp`, token, { onLink: save })
  onTestFinished(() => modern.client.close())
  expect((await modern.text('create_ticket', { title: 'Again' })).text).toContain('Again')
  expect(links).toHaveLength(2)
})

test('the servers differ in two imports alone', () => {
  const v1 = textOf('server-v1.ts').split('\n')
  const v2 = textOf('server-v2.ts').split('\n')
  expect(v2).toHaveLength(v1.length)
  expect(v2.flatMap((line, at) => (line === v1[at] ? [] : [line]))).toEqual([
    "import { McpServer } from '@modelcontextprotocol/server'",
    "import { credentialGate, mcpMount } from 'mcp-credential-vault/mcp/sdk-v2'",
  ])
})
