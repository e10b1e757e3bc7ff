import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { folderWithKey } from '../support/example-process.ts'
import { freePort } from '../support/free-port.ts'
import { startService } from '../support/local-service.ts'

const ROOT = join(import.meta.dirname, '../..')
const PAT = 'jira-token-of-the-one-user'

/** The shell blocks of a section of the page, for a port of the test's own. */
function blocks(heading: string, port: number): string[] {
  const page = readFileSync(join(ROOT, 'docs/getting-started.md'), 'utf8')
  const section = page.split(/^### /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  return [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = '']) => text.replaceAll('8005', String(port)))
}

/** As `npm install` leaves a project, with the project's tools and key. */
function project(): string {
  const folder = folderWithKey()
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules/mcp-credential-vault'))
  symlinkSync('../mcp-credential-vault/dist/cli/main.js', join(folder, 'node_modules/.bin/mcp-credential-vault'))
  copyFileSync(join(ROOT, 'examples/tools.mjs'), join(folder, 'tools.mjs'))
  return folder
}

interface Shell {
  readonly child: ChildProcess
  output(): string
  readonly ended: Promise<number | null>
}

function shell(script: string, folder: string, environment: NodeJS.ProcessEnv): Shell {
  const env = { PATH: process.env['PATH'], HOME: folder, ...environment }
  // A group of its own, so that what the shell starts ends with it.
  const child = spawn('/bin/sh', ['-ec', script], { cwd: folder, env, detached: true })
  onTestFinished(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', resolve)) }
}

test('docs/getting-started.md without an identity provider: the token and the curl line work as printed', async () => {
  const service = await startService((request, response) => {
    const known = request.headers.authorization === `Bearer ${PAT}`
    response.writeHead(known ? 200 : 401).end(known ? 'You are the one user.' : 'unknown')
  })
  onTestFinished(() => service.close())
  const port = await freePort()
  const folder = project()
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
  const [link = ''] = /http:\/\/localhost:\d+\/credentials\/jira\/entry\?t=[\w-]+/.exec(asked) ?? []
  const browser = httpBrowser()
  const form = await browser.press(await browser.open(link), 'Continue')
  expect((await browser.press(form, 'Save', { pat: PAT })).status).toBe(200)
  expect(await curl()).toContain('You are the one user.')
})
