import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { generateKeyText } from '../../src/core/key-text.ts'
import { compiled } from './compiled.ts'
import { freePort } from './free-port.ts'
import { type RunningProcess, startProcess } from './running-process.ts'

/** An empty folder that has a vault key, and goes with the test. */
export function folderWithKey(): string {
  const folder = mkdtempSync(join(tmpdir(), 'example-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'vault.key'), generateKeyText(), { mode: 0o600 })
  return folder
}

/** Parameters for Node that run an example in a folder, as its reader would: `./data` is there. */
export async function nodeParameters(example: string, folder: string): Promise<string[]> {
  const { script, remove } = await compiled(join(import.meta.dirname, '../../examples', example))
  onTestFinished(remove)
  const run = `process.chdir(${JSON.stringify(folder)}); await import(${JSON.stringify(script)})`
  return ['--input-type=module', '-e', run]
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
  folder = folderWithKey(),
): Promise<RunningProcess> {
  const server = await startProcess(
    process.execPath,
    await nodeParameters(example, folder),
    { MCP_VAULT_KEY_FILE: join(folder, 'vault.key'), ...environment },
    async () => (await fetch(`${url}/mcp`, { method: 'POST' })).status === 401,
  )
  onTestFinished(() => server.stop())
  return server
}
