import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { freePort } from '../harness/free-port.ts'
import { startService } from '../harness/http-service.ts'
import { folderWithKey } from '../harness/processes/example-process.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'

const PAT = 'jira-token-of-the-one-user'

/** The shell blocks of a section of the page, for a port of the test's own. */
function blocks(heading: string, port: number): string[] {
  return blocksOf('docs/getting-started.md', heading).map((text) =>
    text.replaceAll('8005', String(port)).replace('start tools.mjs', `start tools.mjs --port ${port}`),
  )
}

test('docs/getting-started.md without an identity provider: the token and the curl line work as printed', async () => {
  const service = await startService((request, response) => {
    const known = request.headers.authorization === `Bearer ${PAT}`
    response.writeHead(known ? 200 : 401).end(known ? 'You are the one user.' : 'unknown')
  })
  onTestFinished(() => service.close())
  const port = await freePort()
  const folder = folderWithKey()
  installInto(folder)
  const [start = '', call = ''] = blocks('Without an identity provider', port)
  expect(start).toContain('npx mcp-credential-vault start')

  const server = shell(start, folder, {
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
    SERVICE_ORIGIN: service.origin,
  })
  await expect.poll(() => server.output(), { timeout: 60_000 }).toContain('Serving')
  expect(server.output()).toContain(readFileSync(join(folder, 'access.token'), 'utf8').trim())
  expect(server.output()).not.toContain('no MCP client can connect')

  const curl = async () => {
    const line = shell(call, folder, {})
    expect(await line.ended).toBe(0)
    return line.output()
  }
  const asked = await curl()
  expect(asked).toContain('-32042')
  // There is no login, and the link works on this machine alone.
  expect(asked).toContain('Open this link in a browser on this machine, press Continue, enter your own')
  const [link = ''] = /http:\/\/localhost:\d+\/credentials\/jira\/entry\?t=[\w-]+/.exec(asked) ?? []
  const browser = httpBrowser()
  const first = await browser.open(link)
  expect(first.html).toContain('Continue to the form')
  expect(first.html).not.toMatch(/sign in/i)
  const form = await browser.press(first, 'Continue')
  expect((await browser.press(form, 'Save', { pat: PAT })).status).toBe(200)
  expect(await curl()).toContain('You are the one user.')
})
