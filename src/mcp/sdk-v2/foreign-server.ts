import { McpServer, Server } from '@modelcontextprotocol/server'
import { foreignServerError, type SdkPackage } from '../adapter/sdk-copies.ts'

const SDK: SdkPackage = {
  generation: 'v2',
  name: '@modelcontextprotocol/server',
  module: '@modelcontextprotocol/server',
  toFolder: '..',
  adapter: import.meta.filename,
}

/**
 * Refuses a server from another copy of the SDK than ours, a CommonJS one beside an ES module too. The SDK's HTTP entry would answer its
 * calls with a bare 500.
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`), naming both copies
 */
export function refuseForeignServer(server: object, caller: 'credentialGate' | 'mcpMount'): void {
  if (server instanceof McpServer || server instanceof Server) return
  throw foreignServerError(SDK, caller, server)
}
