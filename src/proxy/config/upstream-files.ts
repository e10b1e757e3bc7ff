import { existsSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { isCredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { readSnapshot, type Snapshot } from '../catalogue/snapshot.ts'
import { type ConfigProblem, fileText, shownFile, snapshotFileOf } from './config-files.ts'
import type { UpstreamConfig } from './proxy-config.ts'

/** What an upstream's configuration names and does not contain. */
export interface UpstreamFiles {
  readonly snapshot?: Snapshot
  readonly tls: { readonly ca?: string; readonly certificate?: string; readonly key?: string }
  /** Values for reading lists. */
  readonly discovery?: CredentialValues
}

/**
 * Reads what an upstream's configuration names.
 *
 * @returns the problems too, each with its path below the upstream. What has one is missing in the result
 */
export function readUpstreamFiles(
  name: string,
  config: UpstreamConfig,
  environment: NodeJS.ProcessEnv,
): { readonly files: UpstreamFiles; readonly problems: readonly ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  const snapshot = config.catalogue === 'snapshot' ? snapshotAt(name, config, problems) : undefined
  const tls: Record<string, string> = {}
  for (const [option, file] of Object.entries(config.tls ?? {})) {
    if (file === undefined) continue
    const text = textAt(['tls', option], file, problems)
    if (text?.includes('-----BEGIN ') === false)
      problems.push({
        path: ['tls', option],
        message: `${shownFile(file)} is no PEM file, which has a line that begins with -----BEGIN.`,
      })
    else if (text !== undefined) tls[option] = text
  }
  if (Object.keys(tls).length > 0 && problems.length === 0 && !isTakenByTls(tls))
    problems.push({
      path: ['tls'],
      message: 'certificate and key do not belong together, or one of the files is damaged.',
    })
  const discovery = config.catalogue === 'discovery' ? discoveryValues(config, environment, problems) : undefined
  return {
    files: { tls, ...(snapshot && { snapshot }), ...(discovery && { discovery }) },
    problems,
  }
}

function isTakenByTls({ ca, certificate, key }: UpstreamFiles['tls']): boolean {
  try {
    return Boolean(createSecureContext({ ca, cert: certificate, key }))
  } catch {
    return false
  }
}

/**
 * Reads the values of the operator's own credential for reading lists.
 *
 * @param problems takes a problem for each that is not there
 */
export function discoveryValues(
  { discovery = {} }: Pick<UpstreamConfig, 'discovery'>,
  environment: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): CredentialValues {
  const values: Record<string, string> = {}
  for (const [field, place] of Object.entries(discovery)) {
    const path = ['discovery', field]
    const text = 'env' in place ? environment[place.env] : textAt(path, place.file, problems)
    const [value = ''] = (text ?? '').split(/\r?\n/)
    if (value !== '') values[field] = value
    else if ('env' in place)
      problems.push({ path, message: `the environment variable ${place.env} is not set. Set it.` })
    else if (text !== undefined)
      problems.push({ path, message: `${shownFile(place.file)} has no value in its first line.` })
  }
  return values
}

function textAt(path: readonly string[], file: string, problems: ConfigProblem[]): string | undefined {
  const found = fileText(path, file)
  if ('text' in found) return found.text
  problems.push(found)
  return undefined
}

function snapshotAt(name: string, config: UpstreamConfig, problems: ConfigProblem[]): Snapshot | undefined {
  const file = snapshotFileOf(name, config)
  const path = config.snapshot === undefined ? [] : ['snapshot']
  if (!existsSync(file)) {
    const message = `there is no snapshot ${shownFile(file)}. Take one with "mcp-credential-vault proxy snapshot CONFIG.yaml ${name}", or set catalogue: user to do without.`
    problems.push({ path, message })
    return undefined
  }
  try {
    return readSnapshot(file)
  } catch (error) {
    problems.push({ path, message: isCredentialVaultError(error) ? error.message : 'cannot be read.' })
    return undefined
  }
}
