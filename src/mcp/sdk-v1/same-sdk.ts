import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CredentialVaultError } from '../../core/model/errors.ts'

const PACKAGE = '@modelcontextprotocol/sdk'

/**
 * Refuses an `McpServer` from another copy of the SDK than ours. Such a server does not recognise our error -32042: it turns the error into
 * a tool's text, and clients that wait for the error never show the link.
 *
 * @throws `configuration_invalid` (`reason: 'sdk_copies'`), naming both copies
 */
export function refuseForeignServer(server: object): void {
  // The low-level Server checks the error's code only, so any copy works.
  if (!('registerTool' in server) || server instanceof McpServer) return
  const ours = copyFor(import.meta.filename)
  const theirs = copyFor(process.argv[1])
  const other =
    theirs === undefined || theirs === ours
      ? `Either another package has its own copy, or ${PACKAGE} is loaded by require() in one place and by import in another.`
      : `The application has ${theirs}.`
  throw new CredentialVaultError(
    'configuration_invalid',
    `credentialGate: this McpServer is from a different copy of ${PACKAGE} than the gate, which has ${ours ?? 'its own copy'}. ${other} ` +
      `Keep one copy only, loaded by import: npm ls ${PACKAGE} lists them, npm dedupe merges them.`,
    { reason: 'sdk_copies' },
  )
}

/** Returns version and folder of the copy that a module imports, or undefined when they cannot be found. */
function copyFor(module: string | undefined): string | undefined {
  try {
    // The package exports dist/cjs/types.js but not its package.json.
    const types = createRequire(realpathSync(module ?? '')).resolve(`${PACKAGE}/types.js`)
    const folder = join(dirname(types), '../..')
    const { version }: { version?: unknown } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return `${version} in ${folder}`
  } catch {
    return undefined
  }
}
