import { resolve } from 'node:path'
import { loadEnvFile } from 'node:process'
import { pathToFileURL } from 'node:url'
import { CredentialVaultError } from '../core/model/errors.ts'
import type { DefineTools } from '../server/tools-module.ts'
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
    'env-file': { type: 'string' },
  },
  help: `
Usage: mcp-credential-vault start MODULE [--port 8005] [--host 127.0.0.1] [--stateless] [--env-file FILE]

MODULE is an ES module whose default export is (server, vault) => void. It is called once for each client with a new McpServer of
@modelcontextprotocol/sdk 1.x and registers its tools on it. The vault is set up from the environment; --env-file reads more of it
from a file. docs/configuration.md lists the variables.

Serves /mcp, the form below /credentials, the metadata below /.well-known, and /health.
`,
  async run(input, terminal) {
    const [module = ''] = input.parameters
    const environmentFile = input.text('env-file')
    if (environmentFile !== undefined) readEnvironment(environmentFile)
    const startServer = await loadServer()
    const server = await startServer({
      defineTools: await loadTools(module),
      port: portFrom(input.text('port') ?? '8005'),
      host: input.text('host') ?? '127.0.0.1',
      mode: input.flag('stateless') ? 'stateless' : 'sessionful',
    })
    terminal.out(
      input.flag('json')
        ? `${JSON.stringify({ url: server.url, address: server.address })}\n`
        : `Serving ${server.url}\n`,
    )
    await new Promise<void>((stop) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop())
    })
    await server.close()
    return 0
  },
}

/** The other commands work without the SDK, which is an optional peer. */
async function loadServer() {
  try {
    return (await import('../server/start-server.ts')).startServer
  } catch (error) {
    if (!isMissing(error, '@modelcontextprotocol/sdk')) throw error
    throw new CredentialVaultError(
      'configuration_invalid',
      'The MCP SDK is not installed. Run: npm install @modelcontextprotocol/sdk',
      { reason: 'sdk_missing' },
    )
  }
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
    throw new UsageError('--env-file names a file that cannot be read')
  }
}

async function loadTools(module: string): Promise<DefineTools> {
  const loaded = await importModule(resolve(module))
  if (typeof loaded.default === 'function') return loaded.default as DefineTools
  throw new CredentialVaultError('configuration_invalid', 'The module has no default export (server, vault) => void.', {
    reason: 'module',
  })
}

// The module is the operator's own, so its error's words are for the operator; its values are not printed.
async function importModule(path: string): Promise<{ default?: unknown }> {
  try {
    return await import(pathToFileURL(path).href)
  } catch (error) {
    const problem = error instanceof Error ? `${error.name}: ${error.message}` : 'it threw something that is no error'
    throw new CredentialVaultError('configuration_invalid', `The module ${path} cannot be loaded. ${problem}`, {
      reason: 'module',
    })
  }
}

function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(name)
  )
}
