import type { ExitCode, Terminal } from '../terminal/command.ts'
import type { CommandInput } from '../terminal/command-line.ts'
import { table } from '../terminal/table.ts'

/**
 * Prints what a configuration would serve. It is judged as a start judges it.
 *
 * @throws `configuration_invalid`, naming each problem by line and path
 */
export async function checkConfig(file: string, input: CommandInput, terminal: Terminal): Promise<ExitCode> {
  const { readServableConfig } = await import('../../server/proxy/proxy-file.ts')
  const { upstreams, page } = readServableConfig(file, process.env)
  const base = (process.env['MCP_SERVER_BASE_URL'] ?? '').replace(/\/+$/, '')
  const served = Object.entries(upstreams).map(([name, { url, catalogue, mode, credential }]) => ({
    ...{ name, path: `${base}/${name}/mcp`, server: new URL(url).origin, catalogue, mode },
    fields: Object.keys(credential.variables),
  }))
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
