import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { fileExposure } from '../host/exposed-file.ts'
import { processWarning } from '../host/process-warning.ts'
import { fileLabel } from '../host/shown-path.ts'
import { CredentialVaultError } from '../model/errors.ts'
import type { KeyUse } from '../ports/store-keys.ts'
import { type MasterKey, parseKey } from './key-text.ts'
import { keyUse } from './key-uses.ts'

/** The source of a key: given in code, or read from `NAME` or `NAME_FILE` in the environment. Exactly one of them. */
export interface KeySource {
  /** The key's environment variable; `NAME_FILE` names a file instead. */
  readonly name: 'MCP_VAULT_KEY' | 'MCP_WEB_KEY' | 'MCP_AUDIT_KEY' | 'MCP_SEALED_ENVELOPE_KEY'
  readonly text?: string | undefined
  readonly file?: string | undefined
  /** Called when a key file is used although other users may read it. Default: a process warning. */
  readonly warn?: (message: string) => void
  /** Called with the key that was found. */
  readonly onFound?: ((use: KeyUse) => void) | undefined
}

export interface FoundKey {
  readonly key: MasterKey
  /** For messages, e.g. `MCP_VAULT_KEY_FILE=/run/secrets/vault-key`. */
  readonly source: string
}

/**
 * @returns undefined when no source is configured
 * @throws `configuration_invalid` for two sources or an unreadable file, `key_exposed`, `key_malformed`, and what `onFound` throws
 */
export function findKey(source: KeySource, environment: NodeJS.ProcessEnv = process.env): FoundKey | undefined {
  const { warn = processWarning } = source
  const candidates = [
    source.text === undefined ? undefined : { label: 'the key option', read: () => source.text ?? '' },
    source.file === undefined ? undefined : fromFile('the keyFile option', source.file, warn),
    ...(source.text === undefined && source.file === undefined
      ? [fromVariable(source.name, environment[source.name]), fromFileVariable(source.name, environment, warn)]
      : []),
  ].filter((candidate) => candidate !== undefined)
  const [found, second] = candidates
  if (!found) return undefined
  if (second) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `Two keys are configured, by ${found.label} and by ${second.label}. Keep the one that this store was created with.`,
      { reason: 'two_keys' },
    )
  }
  const key = parseKey(found.read(), found.label)
  source.onFound?.(keyUse(source.name, found.label, key))
  return { key, source: found.label }
}

type Warn = (message: string) => void

interface Candidate {
  readonly label: string
  readonly read: () => string
}

function fromVariable(name: string, value: string | undefined): Candidate | undefined {
  return value === undefined || value === '' ? undefined : { label: name, read: () => value }
}

function fromFileVariable(name: string, environment: NodeJS.ProcessEnv, warn: Warn): Candidate | undefined {
  const path = environment[`${name}_FILE`]
  return path === undefined || path === '' ? undefined : fromFile(`${name}_FILE`, path, warn)
}

function fromFile(variable: string, path: string, warn: Warn): Candidate {
  const label = fileLabel(variable, path)
  return { label, read: () => readKeyFile(path, label, warn) }
}

/**
 * @param label names the file in messages, as `fileLabel` does
 * @throws `configuration_invalid` for an unreadable file, `key_exposed`
 */
export function readKeyFile(path: string, label: string, warn: Warn): string {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch {
    throw unreadable(
      `The key file of ${label} cannot be read. Check that it is a file's name, that the file exists and that this user may read it.`,
    )
  }
  try {
    checkMode(path, descriptor, label, warn)
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}

function checkMode(path: string, descriptor: number, label: string, warn: Warn): void {
  if (fstatSync(descriptor).isDirectory())
    throw unreadable(`The key file of ${label} is a folder, not a file. Name the file itself.`)
  const exposure = fileExposure(path, descriptor)
  if (!exposure) return
  const problem = `The key file of ${label} may be read by other users`
  if (!exposure.tolerated) throw exposed(`${problem}. ${exposure.remedy}`)
  warn(`${problem} of this machine or container. It is used, since only root can change it. ${exposure.remedy}`)
}

function unreadable(message: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', message, { reason: 'key_file_unreadable' })
}

function exposed(message: string): CredentialVaultError {
  return new CredentialVaultError('key_exposed', message, { reason: 'key_file_mode' })
}
