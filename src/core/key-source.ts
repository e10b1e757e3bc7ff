import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { CredentialVaultError } from './errors.ts'
import { type MasterKey, parseKey } from './key-text.ts'

/** Where a key may come from: given in code, or from `NAME` or `NAME_FILE` in the environment. Exactly one of them. */
export interface KeySource {
  /** The key's environment variable; `NAME_FILE` names a file instead. */
  readonly name: 'MCP_VAULT_KEY' | 'MCP_WEB_KEY' | 'MCP_AUDIT_KEY'
  readonly text?: string | undefined
  readonly file?: string | undefined
}

export interface FoundKey {
  readonly key: MasterKey
  /** For messages, e.g. `MCP_VAULT_KEY_FILE=/run/secrets/vault-key`. */
  readonly source: string
}

/**
 * @returns undefined when no source is configured
 * @throws `configuration_invalid` for two sources or an unreadable file, `key_exposed`, `key_malformed`
 */
export function findKey(source: KeySource, environment: NodeJS.ProcessEnv = process.env): FoundKey | undefined {
  const candidates = [
    source.text === undefined ? undefined : { label: 'the key option', read: () => source.text ?? '' },
    source.file === undefined ? undefined : fromFile('the keyFile option', source.file),
    ...(source.text === undefined && source.file === undefined
      ? [fromVariable(source.name, environment[source.name]), fromFileVariable(source.name, environment)]
      : []),
  ].filter((candidate) => candidate !== undefined)
  const [found, second] = candidates
  if (!found) return undefined
  if (second) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `Two keys are configured, by ${found.label} and by ${second.label}. Keep the one that this store was made with.`,
      { reason: 'two_keys' },
    )
  }
  return { key: parseKey(found.read(), found.label), source: found.label }
}

interface Candidate {
  readonly label: string
  readonly read: () => string
}

function fromVariable(name: string, value: string | undefined): Candidate | undefined {
  return value === undefined || value === '' ? undefined : { label: name, read: () => value }
}

function fromFileVariable(name: string, environment: NodeJS.ProcessEnv): Candidate | undefined {
  const path = environment[`${name}_FILE`]
  return path === undefined || path === '' ? undefined : fromFile(`${name}_FILE`, path)
}

function fromFile(variable: string, path: string): Candidate {
  return { label: `${variable} (${path})`, read: () => readKeyFile(path) }
}

function readKeyFile(path: string): string {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch {
    throw new CredentialVaultError(
      'configuration_invalid',
      `The key file ${path} cannot be read. Check that it exists and that this user may read it.`,
      {
        reason: 'key_file_unreadable',
      },
    )
  }
  try {
    // A file that another user owns is how systemd, Kubernetes and Compose hand out secrets; its mode is theirs to set.
    const { uid, mode } = fstatSync(descriptor)
    if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
      throw new CredentialVaultError(
        'key_exposed',
        `The key file ${path} may be read by other users. Run: chmod 600 ${path}`,
        {
          reason: 'key_file_mode',
        },
      )
    }
    return readFileSync(descriptor, 'utf8')
  } finally {
    closeSync(descriptor)
  }
}
