import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { foreignServer, type SdkPackage } from '../adapter/same-sdk.ts'

const SDK: SdkPackage = {
  name: '@modelcontextprotocol/sdk',
  module: '@modelcontextprotocol/sdk/types.js',
  toFolder: '../..',
  adapter: import.meta.filename,
}

/**
 * Refuses an `McpServer` from another copy of the SDK than ours. Such a server does not recognise our error -32042: it turns the error into
 * a tool's text, and clients that wait for the error never show the link.
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`), naming both copies
 */
export function refuseForeignServer(server: object): void {
  // The low-level Server checks the error's code only, so any copy works.
  if (!('registerTool' in server) || server instanceof McpServer) return
  throw foreignServer(SDK, 'credentialGate')
}
