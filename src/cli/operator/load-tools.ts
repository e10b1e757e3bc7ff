import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { shownPath } from '../../core/host/shown-path.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import type { FormProvider } from '../../core/ports/form-provider.ts'
import type { DefineTools } from '../../server/tools-module.ts'

/**
 * Imports an operator's module of tools.
 *
 * @throws `configuration_invalid` (`reason: 'module'`), with the module's own error and stack
 */
export async function loadTools(module: string): Promise<DefineTools> {
  const path = resolve(module)
  const { shown, described } = wordsOn(module, path)
  const { default: define } = await importModule(path).catch((error: unknown) => {
    throw isCredentialVaultError(error)
      ? error
      : moduleProblem(`The module ${shown} cannot be loaded. ${described(error)}`)
  })
  if (typeof define !== 'function')
    throw moduleProblem(`The module ${shown} has no default export (server, vault) => void.`)
  return async (server, vault) => {
    try {
      await define(server, vault)
    } catch (error) {
      throw isCredentialVaultError(error)
        ? error
        : moduleProblem(`The default export of ${shown} failed. ${described(error)}`)
    }
  }
}

async function importModule(path: string): Promise<{ default?: unknown }> {
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
  const { declaredProviders } = await withSdk(() => import('../../server/declared-providers.ts'))
  return declaredProviders(await loadTools(module))
}

/** Imports a part late that needs the SDK, an optional peer, because other commands work without it. */
export async function withSdk<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if (!isMissing(error, '@modelcontextprotocol/sdk')) throw error
    throw new CredentialVaultError(
      'configuration_invalid',
      'The MCP SDK is not installed. Run: npm install @modelcontextprotocol/sdk',
      { reason: 'sdk_missing' },
    )
  }
}

function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(name)
  )
}
