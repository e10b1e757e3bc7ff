import { loadEnvFile } from 'node:process'
import { fileLabel } from '../core/host/shown-path.ts'
import { isLoopback } from '../core/network/loopback.ts'
import { loadTools, withSdk } from './operator/load-tools.ts'
import { warnOfUnknownVariables } from './operator/unknown-variables.ts'
import type { Command } from './terminal/command.ts'
import { UsageError } from './terminal/command-line.ts'

export const start: Command = {
  name: 'start',
  summary: 'serve the tools of an ES module over Streamable HTTP',
  parameters: ['MODULE'],
  options: {
    port: { type: 'string' },
    host: { type: 'string' },
    stateless: { type: 'boolean' },
    environment: { type: 'string' },
    // The former name. Node.js itself recognises that option and reads the file first, so a missing file ends in Node.js's error.
    'env-file': { type: 'string' },
  },
  help: `
Usage: mcp-credential-vault start MODULE [--port PORT] [--host 127.0.0.1] [--stateless] [--environment FILE]

MODULE is an ES module whose default export is (server, vault) => void. It is called once for each client with a new McpServer of
@modelcontextprotocol/sdk 1.x and registers its tools on it. The vault is set up from the environment; --environment reads more of it
from a file. docs/configuration.md lists the variables.

--port is by default the port of MCP_SERVER_BASE_URL where that is on localhost, else 8005.
Serves /mcp, the form below /credentials, the metadata below /.well-known, and /health.
`,
  async run(input, terminal) {
    const [module = ''] = input.parameters
    const environmentFile = input.text('environment') ?? input.text('env-file')
    if (environmentFile !== undefined) readEnvironment(environmentFile)
    warnOfUnknownVariables(terminal)
    const { startServer } = await withSdk(() => import('../server/start-server.ts'))
    // The audit log may be open from here on, so a first signal shuts down in order. A second one ends the process immediately.
    const stopped = new Promise<void>((stop) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop())
    })
    const server = await startServer({
      defineTools: await loadTools(module),
      port: portFrom(input.text('port') ?? portOf(process.env['MCP_SERVER_BASE_URL'])),
      host: input.text('host') ?? '127.0.0.1',
      mode: input.flag('stateless') ? 'stateless' : 'sessionful',
    })
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ url: server.url, address: server.address })}\n`
        : `Serving ${server.url}\n`,
    )
    await stopped
    await server.close()
    return 0
  },
}

/** Without a proxy on this machine, the server must listen where its own links lead. */
function portOf(serverBaseUrl = ''): string {
  const url = URL.canParse(serverBaseUrl) ? new URL(serverBaseUrl) : undefined
  return url && isLoopback(url) && url.port !== '' ? url.port : '8005'
}

function portFrom(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError('--port is a number from 0 to 65535')
  return port
}

function readEnvironment(path: string): void {
  try {
    loadEnvFile(path)
  } catch {
    throw new UsageError(`${fileLabel('--environment', path)} names a file that cannot be read`)
  }
}
