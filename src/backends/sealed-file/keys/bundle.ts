import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalBase64url } from '../../../core/crypto/base64url.ts'
import { readKeyFile } from '../../../core/crypto/key-source.ts'
import { KEY_BYTES } from '../../../core/crypto/sodium.ts'
import { fileLabel } from '../../../core/host/shown-path.ts'
import { CredentialVaultError } from '../../../core/model/errors.ts'
import { parsedJson } from '../../../core/model/json.ts'
import type { BundleTier } from '../../../core/ports/store-keys.ts'
import type { Keyring, NamedKey, StoreKeyring } from './keyring.ts'
import { markKeysOf } from './mark-keys.ts'

/**
 * The keys of one tier, as one line of text: a prefix, base64url of JSON, and 6 characters of checksum.
 *
 * | | the form tier's, `mcvw1_` | the tool tier's, `mcvr1_` |
 * |---|---|---|
 * | seal keys | public: it closes boxes and opens none | private |
 * | signing keys | the newest private: it makes records | public: it checks records and makes none |
 * | keys of marks | public | the newest private |
 *
 * Neither has the store key, which would unlock all of them. The schemas refuse a private key where the table has a public one.
 */
export interface Bundle {
  readonly tier: BundleTier
  readonly keyring: StoreKeyring
}

const PREFIXES = { form: 'mcvw1_', tool: 'mcvr1_' } as const
const CHECKSUM_LENGTH = 6
const SEAL_BYTES = 32
const SIGN_BYTES = 64

const bytes = (length: number) =>
  z
    .string()
    .transform((text): Uint8Array => Buffer.from(text, 'base64url'))
    .refine((found) => found.length === length)

const named = { id: z.string().min(1), createdAt: z.int().min(0), publicKey: bytes(KEY_BYTES) }
const publicKey = z.strictObject(named)
const pair = (privateBytes: number) => z.strictObject({ ...named, privateKey: bytes(privateBytes) })
const publicOnly = z.tuple([publicKey], publicKey)
const newestPrivate = z.tuple([pair(SIGN_BYTES)], publicKey)
const common = { store: z.string().min(1), generation: z.int().min(1), indexKey: bytes(KEY_BYTES) }

const SCHEMAS = {
  form: z.strictObject({ ...common, sealKeys: publicOnly, signKeys: newestPrivate, markKeys: publicOnly }),
  tool: z.strictObject({
    ...common,
    sealKeys: z.tuple([pair(SEAL_BYTES)], pair(SEAL_BYTES)),
    signKeys: publicOnly,
    markKeys: newestPrivate,
  }),
} as const

/** The text of a tier's bundle. It is a secret: keep it in a file that only the tier's process can read. */
export function bundleText(keyring: Keyring, tier: BundleTier): string {
  const { store, generation, sealKeys, signKeys } = keyring
  const markKeys = markKeysOf(keyring)
  const content = {
    store,
    generation,
    indexKey: text(keyring.indexKey),
    sealKeys: sealKeys.map(tier === 'tool' ? withPrivate : withoutPrivate),
    signKeys: tier === 'form' ? onlyNewestPrivate(signKeys) : signKeys.map(withoutPrivate),
    markKeys: tier === 'tool' ? onlyNewestPrivate(markKeys) : markKeys.map(withoutPrivate),
  }
  const body = Buffer.from(JSON.stringify(content)).toString('base64url')
  return `${PREFIXES[tier]}${body}${checksum(PREFIXES[tier], body)}`
}

/**
 * Reads a bundle's file, which only this user may read, as a key's.
 *
 * @throws `key_malformed`, `key_exposed`, `configuration_invalid`
 */
export function readBundle(path: string, warn: (message: string) => void): Bundle {
  const label = bundleLabel(path)
  return parseBundle(readKeyFile(path, label, warn), label)
}

/** Names the bundle's file in messages. */
export function bundleLabel(path: string): string {
  return fileLabel('MCP_VAULT_BUNDLE_FILE', path)
}

/** @throws `key_malformed`; the message names `source` and the mistake, never the text */
export function parseBundle(given: string, source: string): Bundle {
  const trimmed = given.trim()
  const tier = (['form', 'tool'] as const).find((one) => trimmed.startsWith(PREFIXES[one]))
  if (!tier) {
    const what = trimmed.startsWith('mcv1_') ? 'a key of its own, such as the store key' : 'something else'
    throw malformed(source, `it holds ${what}`)
  }
  const body = trimmed.slice(PREFIXES[tier].length, -CHECKSUM_LENGTH)
  if (checksum(PREFIXES[tier], body) !== trimmed.slice(-CHECKSUM_LENGTH))
    throw malformed(source, 'its checksum does not fit, so it was cut or changed')
  const content = SCHEMAS[tier].safeParse(parsedJson(canonicalBase64url(body)?.toString() ?? ''))
  if (!content.success) throw malformed(source, "it does not hold this tier's keys")
  return { tier, keyring: { ...content.data, retired: [] } }
}

const text = (key: Uint8Array) => Buffer.from(key).toString('base64url')

function withoutPrivate({ id, createdAt, publicKey: key }: NamedKey): object {
  return { id, createdAt, publicKey: text(key) }
}

function withPrivate(key: NamedKey): object {
  return { ...withoutPrivate(key), ...(key.privateKey && { privateKey: text(key.privateKey) }) }
}

function onlyNewestPrivate([newest, ...older]: Readonly<StoreKeyring['signKeys']>): readonly object[] {
  return [withPrivate(newest), ...older.map(withoutPrivate)]
}

function checksum(prefix: string, body: string): string {
  return createHash('sha256').update(`${prefix}${body}`).digest('base64url').slice(0, CHECKSUM_LENGTH)
}

function malformed(source: string, mistake: string): CredentialVaultError {
  return new CredentialVaultError(
    'key_malformed',
    `${source} is not a bundle of keys: ${mistake}. Make one with "mcp-credential-vault keys export-writer" for the form tier, or "keys export-reader" for the tool tier.`,
    { reason: 'key_text' },
  )
}
