import { readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { CredentialVaultError } from '../../core/model/errors.ts'

/** An installed SDK, as its adapter knows it. */
export interface SdkPackage {
  readonly name: string
  /** A module that the package exports, and the way from it to the package's folder. */
  readonly module: string
  readonly toFolder: string
  /** The adapter's own module. */
  readonly adapter: string
}

/**
 * Returns the error for a server from another copy of the SDK than the adapter's, naming both copies.
 *
 * @param caller the function that was given the server, e.g. `credentialGate`
 */
export function foreignServer(sdk: SdkPackage, caller: string): CredentialVaultError {
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
