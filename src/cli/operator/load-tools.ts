import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { shownPath } from '../../core/host/shown-path.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { DefineTools, ToolsModule } from '../../server/tools-module.ts'

/**
 * Imports an operator's module of tools.
 *
 * @throws `configuration_invalid` (`reason: 'module'`), with the module's own error and stack
 */
export async function loadTools(module: string): Promise<ToolsModule> {
  const path = resolve(module)
  const { shown, described } = wordsOn(module, path)
  const { default: define, sdk = 'v1' } = await importModule(path).catch((error: unknown) => {
    throw isCredentialVaultError(error)
      ? error
      : moduleProblem(`The module ${shown} cannot be loaded. ${described(error)}`)
  })
  if (typeof define !== 'function')
    throw moduleProblem(`The module ${shown} has no default export (server, vault) => void.`)
  if (sdk !== 'v1' && sdk !== 'v2') {
    throw moduleProblem(
      `The module ${shown} exports an sdk that is neither 'v1' (@modelcontextprotocol/sdk 1.x) nor 'v2' (@modelcontextprotocol/server 2.x). Correct it, or leave it out for 'v1'.`,
    )
  }
  const named: DefineTools<unknown> = async (server, vault) => {
    try {
      await define(server, vault)
    } catch (error) {
      throw isCredentialVaultError(error)
        ? error
        : moduleProblem(`The default export of ${shown} failed. ${described(error)}`)
    }
  }
  return { sdk, define: named }
}

async function importModule(path: string): Promise<{ default?: unknown; sdk?: unknown }> {
  return import(pathToFileURL(path).href)
}

/** Returns how messages name the module, and its errors without what was typed if that may be a secret: Node's own errors quote it. */
function wordsOn(module: string, path: string) {
  if (shownPath(module) !== undefined) return { shown: path, described: textOf }
  return { shown: 'that was named', described: (error: unknown) => textOf(error).replaceAll(module, '…') }
}

/** The module belongs to the operator, so the text and stack of its errors are printed. Other thrown values are not. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return 'It threw something that is not an Error.'
  const summary = `${error.name}: ${error.message}`
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ +at /.test(line) && !line.includes('node:internal'))
  return [summary, ...frames].join('\n')
}

function moduleProblem(message: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', message, { reason: 'module' })
}

/** Runs the module of tools that an option names, and returns the providers that it declares. Serves nothing. */
export async function providersOf(module: string): Promise<ReadonlyMap<string, FormProvider>> {
  const { declaredProviders } = await import('../../server/declared-providers.ts')
  return declaredProviders(await loadTools(module))
}
