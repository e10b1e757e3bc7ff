import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generateKeyText } from 'mcp-credential-vault'
import { freePort } from '../test/harness/free-port.ts'
import { type Measure, median } from './measure.ts'

const TIMES = 7
const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const TOOLS = `import { CredentialsProvider } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'

const jira = new CredentialsProvider({ name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })

export default function defineTools(server) {
  server.registerTool('whoami', {}, credentialGate(server)(jira, async () => ({ content: [] })))
}
`

/** From the start of the published command to the first page of the form, and its memory when it has nothing to do. */
export async function startMeasures(): Promise<Measure[]> {
  // Beside the project's own packages, where the module's imports are found.
  const folder = mkdtempSync(fileURLToPath(new URL('../.cache/bench-start-', import.meta.url)))
  const data = mkdtempSync(join(tmpdir(), 'bench-start-'))
  try {
    writeFileSync(join(folder, 'tools.mjs'), TOOLS)
    writeFileSync(join(data, 'vault.key'), generateKeyText(), { mode: 0o600 })
    const runs = []
    for (let turn = 0; turn < TIMES; turn += 1) runs.push(await startOnce(folder, data))
    return [
      measure('start-to-first-page', median(runs.map(({ milliseconds }) => milliseconds)), 'ms', '≤ 1000'),
      measure('memory-at-rest', median(runs.map(({ megabytes }) => megabytes)), 'MB', '≤ 120'),
    ]
  } finally {
    for (const path of [folder, data]) rmSync(path, { recursive: true, force: true })
  }
}

async function startOnce(folder: string, data: string): Promise<{ milliseconds: number; megabytes: number }> {
  const port = await freePort()
  const page = `http://localhost:${port}/credentials/jira/entry?t=${randomBytes(32).toString('base64url')}`
  const began = performance.now()
  const child = spawn(process.execPath, [MAIN, 'start', join(folder, 'tools.mjs'), '--port', String(port)], {
    stdio: ['ignore', 'ignore', 'ignore'],
    env: {
      ...process.env,
      MCP_SERVER_BASE_URL: `http://localhost:${port}`,
      MCP_IDENTITY: 'local-user',
      MCP_VAULT_FOLDER: join(data, 'store'),
      MCP_VAULT_KEY_FILE: join(data, 'vault.key'),
    },
  })
  try {
    while ((await fetch(page).catch(() => undefined))?.status !== 200) {
      if (child.exitCode !== null) throw new Error('The server did not start.')
      await wait(5)
    }
    const milliseconds = performance.now() - began
    await wait(2_000)
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]
    return { milliseconds, megabytes: Number(resident) / 1000 }
  } finally {
    child.kill('SIGKILL')
  }
}

function measure(name: string, value: number, unit: string, goal: string): Measure {
  return { name, value: Number(value.toPrecision(4)), unit, goal }
}
