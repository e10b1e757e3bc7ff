import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { freePort } from '../harness/free-port.ts'
import { compileCache } from '../harness/processes/ended-process.ts'

export interface Inspector {
  /** Runs `mcpdo --format json …` and gives what it printed, parsed. Its own errors are part of that. */
  mcpdo(...parameters: readonly string[]): Promise<unknown>
  /** Runs the classic `mcp-inspector --cli …` and gives its exit code and output. */
  cli(...parameters: readonly string[]): Promise<{ readonly code: number; readonly output: string }>
  close(): Promise<void>
}

/** The MCP Inspector's command lines, with a home folder and a daemon of their own. */
export async function startInspector(): Promise<Inspector> {
  const commands = resolve('.cache/inspector/node_modules/.bin')
  const node = resolve('.cache/node-22/node_modules/node/bin/node')
  for (const [path, script] of [
    [commands, 'bring-inspector'],
    [node, 'bring-node'],
  ] as const)
    if (!existsSync(path)) throw new Error(`${path} is missing: npm test brings it, with scripts/${script}.mjs`)
  // Its daemon listens on a socket in there, whose path may have no more than a hundred characters.
  const home = mkdtempSync(join(tmpdir(), 'mcpdo-'))
  const environment = {
    PATH: process.env['PATH'],
    HOME: home,
    ...compileCache(),
    MCP_INSPECTOR_SECRET_STORE: 'file',
    MCP_OAUTH_CALLBACK_URL: `http://127.0.0.1:${await freePort()}/oauth/callback`,
  }

  function run(command: string, parameters: readonly string[]): Promise<{ code: number; output: string }> {
    return new Promise((done) => {
      const options = { env: environment, timeout: 90_000 }
      execFile(node, [join(commands, command), ...parameters], options, (error, stdout, stderr) => {
        const own = stderr.replace(/^\[mcp-inspector\].*$\n?/gm, '')
        done({ code: error ? Number(error.code ?? 1) : 0, output: stdout + own })
      })
    })
  }

  let hasDaemon = false

  async function mcpdo(...parameters: readonly string[]): Promise<unknown> {
    hasDaemon = true
    const { output } = await run('mcpdo', ['--format', 'json', ...parameters])
    // For a tool's error it prints the result, and then a line about it.
    const [first = ''] = output.split(/\n(?=\{"error")/)
    return JSON.parse(first)
  }

  return {
    mcpdo,
    cli: (...parameters) => run('mcp-inspector', ['--cli', ...parameters]),
    async close() {
      if (hasDaemon) await run('mcpdo', ['daemon', 'stop'])
      rmSync(home, { recursive: true, force: true })
    },
  }
}
