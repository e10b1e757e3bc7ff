import { processWarning } from '../host/process-warning.ts'
import { fileLabel } from '../host/shown-path.ts'
import { CredentialVaultError } from '../model/errors.ts'
import { wordsIn } from '../model/options.ts'
import type { KeyUse } from '../ports/store-keys.ts'
import { readKeyFile } from './key-source.ts'
import { parseKey } from './key-text.ts'
import { keyUse } from './key-uses.ts'

/** The source of the keys that are read besides the current one: given in code, or `NAME_ACCEPTED` or `NAME_ACCEPTED_FILE`. */
export interface AcceptedKeysSource {
  /** The current key's environment variable. */
  readonly name: 'MCP_WEB_KEY' | 'MCP_AUDIT_KEY' | 'MCP_SEALED_ENVELOPE_KEY'
  /** The option's path in errors, e.g. `openVault.acceptedWebKeys`. */
  readonly option: string
  readonly texts?: readonly string[] | undefined
  readonly file?: string | undefined
  /** The key that is used for everything new. Undefined when this process made one that no other process has. */
  readonly current: Uint8Array | undefined
  /** The key that is derived from the store key: the word `derived` stands for it in the list. */
  readonly derived: Uint8Array | undefined
  /** Called when a key file is used although other users may read it. Default: a process warning. */
  readonly warn?: ((message: string) => void) | undefined
  /** Called with each key of the list that is not derived from the store key. */
  readonly onFound?: ((use: KeyUse) => void) | undefined
}

/** One change needs one accepted key. The rest allows for changes that overlap; a longer list is one that was never cleaned up. */
const MOST_ACCEPTED_KEYS = 4
const DERIVED = 'derived'

/**
 * Returns the keys that are still, or already, valid besides the current one, in the order of the list.
 *
 * @throws `configuration_invalid` (`two_keys`, `same_key`, `accepted_keys`, `key_file_unreadable`), `key_exposed`, `key_malformed`,
 *   and what `onFound` throws
 */
export function findAcceptedKeys(
  source: AcceptedKeysSource,
  environment: NodeJS.ProcessEnv = process.env,
): readonly Uint8Array[] {
  const { label, texts } = listed(source, environment)
  if (texts.length === 0) return []
  const refuse = (reason: 'accepted_keys' | 'same_key', problem: string) =>
    new CredentialVaultError('configuration_invalid', `${label}: ${problem}`, { reason })
  if (texts.length > MOST_ACCEPTED_KEYS) {
    const many = `${texts.length} keys are listed, and at most ${MOST_ACCEPTED_KEYS} may be.`
    throw refuse('accepted_keys', `${many} Remove those that nothing needs any more.`)
  }
  if (!source.current) {
    const next = `Set ${source.name}_FILE to the current key, or remove the list.`
    throw refuse('accepted_keys', `accepted keys are listed, but there is no current key. ${next}`)
  }
  const keys = texts.map((text, at) => {
    if (text !== DERIVED) return parseListed(text, texts.length === 1 ? label : `${label}, key ${at + 1},`, source)
    if (source.derived) return source.derived
    throw refuse('accepted_keys', '"derived" is listed, but this backend has no store key to derive a key from.')
  })
  const seen = [source.current]
  keys.forEach((key, at) => {
    if (seen.some((one) => Buffer.from(one).equals(key))) {
      const other = Buffer.from(source.current ?? []).equals(key) ? 'the current key' : 'another key of the list'
      throw refuse('same_key', `key ${at + 1} is the same as ${other}. List each accepted key once.`)
    }
    seen.push(key)
    if (texts[at] !== DERIVED) source.onFound?.(keyUse(source.name, label, key))
  })
  return keys
}

/** @throws `key_malformed`; a word that may be meant for `derived` is answered with it */
function parseListed(text: string, label: string, { name }: AcceptedKeysSource): Uint8Array {
  if (/^mcv1_/.test(text) || name === 'MCP_SEALED_ENVELOPE_KEY') return parseKey(text, label)
  throw new CredentialVaultError(
    'key_malformed',
    `${label} is neither a key, which starts with mcv1_, nor the word "derived", which stands for the key that is derived from the store key.`,
    { reason: 'key_text' },
  )
}

/** Whether the environment lists the key that is derived from the store key by that word. */
export function isDerivedListed(name: AcceptedKeysSource['name'], environment: NodeJS.ProcessEnv): boolean {
  const source = { name, option: name, current: undefined, derived: undefined, warn: () => {} }
  return listed(source, environment).texts.includes(DERIVED)
}

interface Listed {
  readonly label: string
  readonly texts: readonly string[]
}

function listed(source: AcceptedKeysSource, environment: NodeJS.ProcessEnv): Listed {
  const { name, option, warn = processWarning } = source
  const given = source.texts !== undefined || source.file !== undefined
  const variable = given ? undefined : environment[`${name}_ACCEPTED`]
  const path = source.file ?? (given ? undefined : environment[`${name}_ACCEPTED_FILE`])
  const texts = source.texts ?? (variable ? wordsIn(variable) : undefined)
  const label = source.texts ? option : `${name}_ACCEPTED`
  if (!path) return { label, texts: texts ?? [] }
  const labelOfFile = fileLabel(`${name}_ACCEPTED_FILE`, path)
  if (texts) {
    throw new CredentialVaultError(
      'configuration_invalid',
      `Accepted keys are configured by ${label} and by ${labelOfFile}. Put all of them into one.`,
      { reason: 'two_keys' },
    )
  }
  const found = wordsIn(readKeyFile(path, labelOfFile, warn))
  if (found.length > 0) return { label: labelOfFile, texts: found }
  throw new CredentialVaultError(
    'configuration_invalid',
    `${labelOfFile}: the file is empty. Write one accepted key on each line, or unset the variable.`,
    { reason: 'accepted_keys' },
  )
}
