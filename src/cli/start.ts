import { loadTools } from './operator/load-tools.ts'
import { warnOfUnknownVariables } from './operator/unknown-variables.ts'
import { exitSoon, firstSignal } from './server/first-signal.ts'
import { serverChoices, serverOptions } from './server/server-options.ts'
import type { Command } from './terminal/command.ts'

export const start: Command = {
  name: 'start',
  summary: 'serve the tools of an ES module over Streamable HTTP',
  parameters: ['MODULE'],
  options: { ...serverOptions, stateless: { type: 'boolean' } },
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
    const choices = serverChoices(input)
    const { startServer, CLOSES_WITHIN } = await import('../server/start-server.ts')
    // The audit log may be open from here on, so a first signal shuts down in order.
    const stopped = firstSignal('start', CLOSES_WITHIN, terminal)
    const server = await startServer({
      ...choices,
      tools: await loadTools(module),
      mode: input.flag('stateless') ? 'stateless' : 'sessionful',
    })
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ url: server.url, address: server.address })}\n`
        : `Serving ${server.url}\n`,
    )
    await server.close(await stopped)
    exitSoon()
    return 0
  },
}
