import { parsedUrl } from '../core/model/url-value.ts'
import { isLoopback } from '../core/network/loopback.ts'
import type { ServerTier } from '../core/ports/store-keys.ts'
import { loadTools } from './operator/load-tools.ts'
import { warnOfUnknownVariables } from './operator/unknown-variables.ts'
import type { Command, Terminal } from './terminal/command.ts'
import { UsageError } from './terminal/command-line.ts'

export const start: Command = {
  name: 'start',
  summary: 'serve the tools of an ES module over Streamable HTTP',
  parameters: ['MODULE'],
  options: {
    port: { type: 'string' },
    host: { type: 'string' },
    stateless: { type: 'boolean' },
    tier: { type: 'string' },
    // The former name of --environment. Node.js itself recognises it and reads the file first, so a missing file ends in Node.js's error.
    'env-file': { type: 'string' },
  },
  help: `
Usage: mcp-credential-vault start MODULE [--port PORT] [--host 127.0.0.1] [--stateless] [--tier TIER] [--environment FILE]

MODULE is an ES module whose default export is (server, vault) => void. It registers its tools on a new McpServer. It is called once at
start, for each connection, and for each request of MCP 2026-07-28 or with --stateless; it must be cheap. The server is one of
@modelcontextprotocol/sdk 1.x; a module that also exports sdk = 'v2' gets those of @modelcontextprotocol/server 2.x, which serve clients
of MCP 2026-07-28 and of MCP 2025-11-25. The vault is set up from the environment; --environment reads more of it from a file.
docs/configuration.md lists the variables.

--port is by default the port of MCP_SERVER_BASE_URL where that is on localhost, else 8005.
--tier form serves the pages alone, with a login or bundle that saves and cannot read; --tier tool serves the tools alone, with one that
reads and cannot save. Both share a pending store and MCP_WEB_KEY_FILE, and get the same MODULE. Default all. docs/tiers.md has the set-up.
Serves /mcp, the form below /credentials, the metadata below /.well-known, and /healthz, /readyz and /health.

SIGTERM or SIGINT ends it in order within 25 seconds: waiting calls are answered, running calls and saves finish, the audit log is
flushed. A second signal ends it immediately.
`,
  async run(input, terminal) {
    const [module = ''] = input.parameters
    warnOfUnknownVariables(terminal)
    const tier = tierFrom(input.text('tier') ?? 'all')
    const { startServer, CLOSES_WITHIN } = await import('../server/start-server.ts')
    // The audit log may be open from here on, so a first signal shuts down in order.
    const stopped = firstSignal(CLOSES_WITHIN, terminal)
    const server = await startServer({
      tools: await loadTools(module),
      port: portFrom(input.text('port') ?? portOf(process.env['MCP_SERVER_BASE_URL'])),
      host: input.text('host') ?? '127.0.0.1',
      mode: input.flag('stateless') ? 'stateless' : 'sessionful',
      tier,
    })
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ url: server.url, address: server.address })}\n`
        : `Serving ${server.url}\n`,
    )
    await server.close(await stopped)
    // Timers and connections of the tools must not keep the process.
    setTimeout(() => process.exit(), EXIT_AFTER).unref()
    return 0
  },
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const
/** Milliseconds in which a signal counts as the first one again: npm passes on a Ctrl-C that the terminal has sent to both. */
const SAME_SIGNAL = 500
/** Milliseconds in which the process may end by itself. */
const EXIT_AFTER = 500

/** Resolves at the first signal. A second one ends the process immediately, and so does a shutdown that takes too long. */
function firstSignal(withinSeconds: number, terminal: Terminal): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = 0
    const onSignal = (signal: NodeJS.Signals) => {
      if (first === 0) {
        first = performance.now()
        setTimeout(() => tooLate(withinSeconds, terminal), withinSeconds * 1000).unref()
        resolve(signal)
      } else if (performance.now() - first > SAME_SIGNAL) {
        for (const one of SIGNALS) process.off(one, onSignal)
        process.kill(process.pid, signal)
      }
    }
    for (const signal of SIGNALS) process.on(signal, onSignal)
  })
}

function tooLate(withinSeconds: number, terminal: Terminal): void {
  terminal.error(`mcp-credential-vault start: it did not end within ${withinSeconds} s and was cut off.\n`)
  process.exit(1)
}

/** Without a proxy on this machine, the server must listen where its own links lead. */
function portOf(serverBaseUrl = ''): string {
  const url = parsedUrl(serverBaseUrl)
  return url && isLoopback(url) && url.port !== '' ? url.port : '8005'
}

function portFrom(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError('--port is a number from 0 to 65535')
  return port
}

function tierFrom(text: string): ServerTier {
  if (text === 'all' || text === 'form' || text === 'tool') return text
  throw new UsageError('--tier is one of form, tool, all')
}
