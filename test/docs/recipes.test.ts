import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { freePort } from '../harness/free-port.ts'
import { startTokenService } from '../harness/identity/token-service.ts'
import { exampleClient, withToken } from '../harness/processes/example-client.ts'
import { blocksOf, shell } from '../harness/processes/run-page-commands.ts'
import { fillInLocally } from '../harness/processes/stdio-example.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAGE = 'docs/recipes.md'
const SAMPLES = [
  ['tools.ts', 'A token that has expired'],
  ['accounts.ts', 'Several accounts of one user'],
  ['server.ts', "Each user's own site"],
  ['local-server.ts', 'Without an identity provider'],
] as const

beforeAll(() => mkdirSync(join(ROOT, '.cache'), { recursive: true }))

/** A folder with the page's own samples. It is inside the project, where the packages are found. */
function folderOfReader(): string {
  const folder = mkdtempSync(join(ROOT, '.cache/recipes-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, heading] of SAMPLES) {
    const [sample = ''] = blocksOf(PAGE, heading, 'ts')
    expect(sample, heading).not.toBe('')
    writeFileSync(join(folder, name), sample)
  }
  writeFileSync(join(folder, 'vault.key'), generateKeyText(), { mode: 0o600 })
  return folder
}

test('the samples compile with the tsconfig.json of docs/typescript.md', () => {
  const folder = folderOfReader()
  const [config = ''] =
    /(?<=```json\n)[\s\S]*?(?=```)/.exec(readFileSync(join(ROOT, 'docs/typescript.md'), 'utf8')) ?? []
  writeFileSync(join(folder, 'tsconfig.json'), config)
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

test('without an identity provider: the tools of the first recipe ask once, and again in the call that met a 401', async () => {
  const folder = folderOfReader()
  const service = await startTokenService()
  const port = await freePort()
  const url = `http://localhost:${port}`
  const [start = ''] = blocksOf(PAGE, 'Without an identity provider')
  const server = shell(start, folder, {
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
    BASE_URL: url,
    PORT: String(port),
    SERVICE_ORIGIN: service.origin,
  })
  await expect.poll(() => server.output(), { timeout: 60_000 }).toContain(`Serving ${url}/mcp on port ${port}`)
  const token = readFileSync(join(folder, 'access.token'), 'utf8').trim()
  const user = await exampleClient(withToken(`${url}/mcp`, token))

  const enter = async (pat: string) => {
    const asked = await user.call('who_am_i')
    const [link = ''] = /http:\/\/localhost:\d+\/credentials\/jira\/entry\?t=[\w-]+/.exec(asked) ?? []
    return (await fillInLocally(link, pat)).html
  }
  const first = service.newToken()
  await enter(first)
  for (const [tool, parameters] of [
    ['who_am_i', {}],
    ['get_issue', { key: 'IT-1' }],
  ] as const)
    expect(await user.answer(tool, parameters)).toMatchObject({ isError: false, text: expect.stringContaining('IT-1') })

  service.endToken(first)
  expect((await user.answer('who_am_i')).text).toContain('rejected your stored credential')
  // `verify` refuses the dead token on the form.
  expect(await enter(first)).toContain('Jira does not know this token.')
  await enter(service.newToken())
  expect(await user.answer('who_am_i')).toMatchObject({ isError: false })
}, 120_000)
