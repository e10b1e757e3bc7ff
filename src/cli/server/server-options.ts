import { parsedUrl } from '../../core/model/url-value.ts'
import { isLoopback } from '../../core/network/loopback.ts'
import type { ServerTier } from '../../core/ports/store-keys.ts'
import { type CommandInput, type CommandOptions, UsageError } from '../terminal/command-line.ts'

/** Options of every command that runs a server. */
export const serverOptions = {
  port: { type: 'string' },
  host: { type: 'string' },
  tier: { type: 'string' },
  // The former name of --environment. Node.js itself recognises it and reads the file first, so a missing file ends in Node.js's error.
  'env-file': { type: 'string' },
} satisfies CommandOptions

export interface ServerChoices {
  readonly port: number
  readonly host: string
  readonly tier: ServerTier
}

export function serverChoices(input: CommandInput): ServerChoices {
  return {
    port: portFrom(input.text('port') ?? portOf(process.env['MCP_SERVER_BASE_URL'])),
    host: input.text('host') ?? '127.0.0.1',
    tier: tierFrom(input.text('tier') ?? 'all'),
  }
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
