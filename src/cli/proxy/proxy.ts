import { warnOfUnknownVariables } from '../operator/unknown-variables.ts'
import { exitSoon, firstSignal } from '../server/first-signal.ts'
import { serverChoices, serverOptions } from '../server/server-options.ts'
import type { Command, ExitCode, Terminal } from '../terminal/command.ts'
import type { CommandInput } from '../terminal/command-line.ts'
import { table } from '../terminal/table.ts'

export const proxy: Command = {
  name: 'proxy',
  summary: 'put a credential in front of MCP servers that stay as they are',
  parameters: ['CONFIG'],
  options: { ...serverOptions, check: { type: 'boolean' } },
  help: `
Usage: mcp-credential-vault proxy CONFIG.yaml [--port PORT] [--host 127.0.0.1] [--tier TIER] [--environment FILE]
       mcp-credential-vault proxy CONFIG.yaml --check [--environment FILE] [--json]
       mcp-credential-vault proxy snapshot CONFIG.yaml [UPSTREAM]

CONFIG.yaml names MCP servers that other people wrote and that take a token from a header. Each is served at /NAME/mcp, and each user's
calls reach it with that user's own token, which they enter once on the form. docs/proxy.md shows how to write the file,
docs/configuration.md lists its options. The vault is set up from the environment, as for "start"; set MCP_OIDC_AUDIENCE to
MCP_SERVER_BASE_URL.

--check reads the file and every file that it names, serves nothing, and prints what it would serve, or each problem with its line.
SIGHUP reads the file again: running calls and sessions go on. A file with problems is logged, and the old configuration stays.
--port, --host, --tier and --environment are as for "start", and so is the end by SIGTERM or SIGINT.
Serves a page at / that shows users what to add to their client, and /healthz, /readyz and /health.

Exit codes of --check: 0 the file is right, 1 it has problems.
`,
  async run(input, terminal) {
    const [file = ''] = input.parameters
    warnOfUnknownVariables(terminal)
    if (input.flag('check')) return checkConfig(file, input, terminal)
    const choices = serverChoices(input)
    const [{ startProxy }, { CLOSES_WITHIN }] = await Promise.all([
      import('../../server/proxy/start-proxy.ts'),
      import('../../server/start-server.ts'),
    ])
    const stopped = firstSignal('proxy', CLOSES_WITHIN, terminal)
    const server = await startProxy({ ...choices, file })
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ url: server.url, address: server.address })}\n`
        : `Serving ${server.url}\n`,
    )
    // Windows knows no such signal, and Node.js never raises it there.
    process.on('SIGHUP', server.reload)
    await server.close(await stopped)
    exitSoon()
    return 0
  },
}

/**
 * Prints what a configuration would serve. It is judged as a start judges it.
 *
 * @throws `configuration_invalid`, naming each problem by line and path
 */
async function checkConfig(file: string, input: CommandInput, terminal: Terminal): Promise<ExitCode> {
  const { readServableConfig } = await import('../../server/proxy/proxy-file.ts')
  const { upstreams, page } = readServableConfig(file, process.env)
  const base = (process.env['MCP_SERVER_BASE_URL'] ?? '').replace(/\/+$/, '')
  const served = Object.entries(upstreams).map(
    ([name, { url, command: [program = ''] = [], catalogue, mode, credential }]) => ({
      // A command's other words may be long, and some operators write more into them than belongs there.
      ...{ name, path: `${base}/${name}/mcp`, server: url === undefined ? program : new URL(url).origin },
      ...{ catalogue, mode },
      fields: Object.keys(credential.variables),
    }),
  )
  if (input.flag('json')) {
    terminal.out(`${JSON.stringify({ page, upstreams: served })}\n`)
    return 0
  }
  const rows = served.map(({ path, server, catalogue, fields }) => ({
    ...{ 'served at': path, server, lists: catalogue },
    'asked of users': fields.join(', '),
  }))
  terminal.out(table(['served at', 'server', 'lists', 'asked of users'], rows))
  return 0
}
