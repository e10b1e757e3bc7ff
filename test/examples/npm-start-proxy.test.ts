import { spawnSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { connectMcpClient } from '../../examples/tickets/mcp-client.ts'
import { freePort } from '../harness/free-port.ts'
import { folderWithKey, nodeParameters } from '../harness/processes/example-process.ts'
import { startProcess } from '../harness/processes/running-process.ts'

/** Where `npm start` has the script's path: code that is given by `-e` has none. */
const START = 'start.ts'

test('npm start -- proxy serves two servers, and ends with what it has started', { timeout: 120_000 }, async () => {
  const [server, tickets, identity] = [await freePort(), await freePort(), await freePort()]
  const url = `http://localhost:${server}`
  const running = await startProcess(
    process.execPath,
    [...(await nodeParameters('tickets/start.ts', folderWithKey())), START, 'proxy'],
    {
      EXAMPLE_SERVER_PORT: String(server),
      EXAMPLE_TICKETS_PORT: String(tickets),
      EXAMPLE_IDENTITY_PORT: String(identity),
      MCP_VAULT_KEY_FILE: './vault.key',
    },
    async () => (await fetch(`${url}/`)).ok,
  )
  onTestFinished(() => running.stop())
  await expect.poll(() => running.output()).toContain(`npm run call -- --url ${url}/support/mcp`)
  const links: string[] = []
  const alice = await connectMcpClient({
    url: `${url}/facilities/mcp`,
    user: 'Alice',
    onLink(link) {
      links.push(link)
      return 'cancel'
    },
  })
  expect((await alice.listTools()).tools.map(({ name }) => name)).toEqual(['create_ticket', 'list_tickets'])
  await alice.callTool({ name: 'create_ticket', arguments: { title: 'x' } })
  expect(links).toEqual([expect.stringContaining(`${url}/credentials/facilities/entry?t=`)])
  await alice.close()
  await running.stop('SIGINT')
  await expect(fetch(`${url}/`)).rejects.toThrow()
})

test('another word than proxy is wrong usage', async () => {
  const parameters = await nodeParameters('tickets/start.ts', folderWithKey())
  const words = [...parameters, START, 'prxy']
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 60_000 })
  expect([status, stderr]).toEqual([2, 'Usage: npm start [-- proxy]\n'])
})
