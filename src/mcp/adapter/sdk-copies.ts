import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CredentialVaultError } from '../../core/model/errors.ts'

export type Generation = 'v1' | 'v2'

/** An installed SDK, as its adapter knows it. */
export interface SdkPackage {
  readonly generation: Generation
  readonly name: string
  /** A module that the package exports, and the way from it to the package's folder. */
  readonly module: string
  readonly toFolder: string
  /** The adapter's own module. */
  readonly adapter: string
}

/**
 * Returns the error for a server that the adapter cannot serve: one of the other SDK, or from another copy of its own, naming both.
 *
 * @param caller the function that was given the server, e.g. `credentialGate`
 */
export function foreignServerError(sdk: SdkPackage, caller: string, server: object): CredentialVaultError {
  const made = madeWith(server)
  return made === sdk.generation ? otherCopy(sdk, caller) : otherSdk(sdk.generation, caller)
}

const NAMES = { v1: '@modelcontextprotocol/sdk 1.x', v2: '@modelcontextprotocol/server 2.x' } as const

/** Tells the SDKs apart by a method: only servers of 2.x know the revision that they serve. */
function madeWith(server: object): Generation {
  const protocol: unknown = 'server' in server ? server.server : server
  return typeof protocol === 'object' && protocol !== null && 'getNegotiatedProtocolVersion' in protocol ? 'v2' : 'v1'
}

function otherSdk(ours: Generation, caller: string): CredentialVaultError {
  const theirs = ours === 'v1' ? 'v2' : 'v1'
  const module = ours === 'v2' ? "must export sdk = 'v2'" : "must not export sdk = 'v2'"
  return new CredentialVaultError(
    'configuration_invalid',
    `${caller}: this server is made with ${NAMES[theirs]}, and mcp-credential-vault/mcp/sdk-${ours} is for ${NAMES[ours]}. ` +
      `Import ${caller} from mcp-credential-vault/mcp/sdk-${theirs}, or make the server with the other SDK. A module for "start" ${module} to get one.`,
    { reason: 'sdk_copies' },
  )
}

function otherCopy(sdk: SdkPackage, caller: string): CredentialVaultError {
  const ours = copyFor(sdk, sdk.adapter)
  const theirs = copyFor(sdk, process.argv[1])
  const other =
    theirs === undefined || theirs === ours
      ? `Either another package has its own copy, or ${sdk.name} is loaded by require() in one place and by import in another.`
      : `The application has ${theirs}.`
  return new CredentialVaultError(
    'configuration_invalid',
    `${caller}: this McpServer is from a different copy of ${sdk.name} than the gate, which has ${ours ?? 'its own copy'}. ${other} ` +
      `Keep one copy only, loaded by import: npm ls ${sdk.name} lists them, npm dedupe merges them.`,
    { reason: 'sdk_copies' },
  )
}

/** Returns version and folder of the copy that a module imports, or undefined when they cannot be found. */
function copyFor({ module, toFolder }: SdkPackage, importer: string | undefined): string | undefined {
  try {
    // The package may not export its package.json.
    const found = createRequire(realpathSync(importer ?? '')).resolve(module)
    const folder = join(dirname(found), toFolder)
    const { version }: { version?: unknown } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return `${version} in ${folder}`
  } catch {
    return undefined
  }
}
