import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { vi } from 'vitest'

/** An MCP server as its makers publish it, started as docs/proxy-recipes.md says. */
export interface PublishedServer {
  /** What it has printed. */
  output(): string
  close(): Promise<void>
}

/** Runs a command, with variables in front of it, until it answers at the URL. */
export async function startPublishedServer(script: string, url: string): Promise<PublishedServer> {
  const home = mkdtempSync(join(tmpdir(), 'recipe-'))
  // A group of its own, so that what the shell starts ends with it.
  const child = spawn('/bin/sh', ['-ec', `exec env ${script.trim()}`], {
    cwd: home,
    env: { HOME: home, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isRunning = () => child.pid !== undefined && child.exitCode === null && child.signalCode === null
  const server: PublishedServer = {
    output: () => output,
    async close() {
      if (isRunning() && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      await ended
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  const answers = async () => {
    const response = await fetch(url, { method: 'DELETE' }).catch(() => undefined)
    await response?.body?.cancel()
    if (!response && isRunning()) throw new Error(`The server does not answer yet: ${output}`)
    return response !== undefined
  }
  const answered = await vi.waitFor(answers, { timeout: 90_000, interval: 100 }).catch(() => false)
  if (answered) return server
  await server.close()
  throw new Error(`The server did not start: ${output}`)
}
