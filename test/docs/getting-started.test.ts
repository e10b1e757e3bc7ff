import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../harness/free-port.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { startTokenService } from '../harness/identity/token-service.ts'
import { fillIn, linkIn } from '../harness/mcp-harness.ts'
import { exampleClient, withToken } from '../harness/processes/example-client.ts'
import { blocksOf, shell } from '../harness/processes/run-page-commands.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = 'docs/getting-started.md'

test('docs/getting-started.md, followed in an empty folder, leads to a call', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'getting-started-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const service = await startTokenService()
  const port = await freePort()
  const url = `http://localhost:${port}`
  const identityProvider = await startIdentityProvider({
    resource: `${url}/mcp`,
    clients: [browserClient('mcp-form', [`${url}/credentials/callback`])],
  })
  onTestFinished(() => identityProvider.close())

  const [pack = '', init = '', install = ''] = blocksOf(PAGE, '1. Install')
  const [key = ''] = blocksOf(PAGE, '2. Make a key')
  const [sample = ''] = blocksOf(PAGE, '4. Write the server', 'ts')
  const [run = ''] = blocksOf(PAGE, '5. Run it')
  expect(pack).toContain('npm pack')
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT })
  writeFileSync(join(folder, 'server.ts'), sample)
  const start = run.replace('https://login.example.com', identityProvider.issuer)
  const server = shell([init, install, key, start].join(''), folder, {
    BASE_URL: url,
    PORT: String(port),
    SERVICE_ORIGIN: service.origin,
  })
  await expect.poll(() => server.output(), { timeout: 180_000 }).toContain(`Serving ${url}/mcp on port ${port}`)

  const alice = await exampleClient(withToken(`${url}/mcp`, await identityProvider.issueAccessToken('alice')))
  const link = linkIn(await alice.call('get_issue', { key: 'IT-1' }))
  await fillIn(link, 'alice', { pat: service.newToken() })
  expect(await alice.answer('get_issue', { key: 'IT-1' })).toMatchObject({ isError: false })
})
