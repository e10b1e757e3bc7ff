import { z } from 'zod'
import { sodiumReady } from '../../core/crypto/sodium.ts'
import { type Logger, loggerOption } from '../../core/host/logger.ts'
import { partWarnings } from '../../core/host/process-warning.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { functionOption, type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { StorageKey } from '../../core/model/storage-key.ts'
import { SEALED_FIELD } from '../../core/model/stored-values.ts'
import type { CredentialStatus, SecretBackend } from '../../core/ports/secret-backend.ts'
import { withFieldNames } from '../vendor/field-names.ts'
import { envelopeError } from './envelope-error.ts'
import { type EnvelopeKeys, findEnvelopeKeys, wipeKeys } from './envelope-keys.ts'
import { createResealing } from './resealing.ts'
import { openSealed, sealedText } from './sealed-text.ts'

export interface SealedEnvelopeOptions {
  /**
   * The key that seals, as text from `mcp-credential-vault keygen`. Default: `MCP_SEALED_ENVELOPE_KEY`, or the file that
   * `MCP_SEALED_ENVELOPE_KEY_FILE` names. Every process that uses the store needs it.
   */
  readonly key?: string | undefined
  /** File that holds the key, unreadable for other users. */
  readonly keyFile?: string | undefined
  /**
   * Earlier keys, at most 4. They open what they have sealed, and seal nothing. Default: `MCP_SEALED_ENVELOPE_KEY_ACCEPTED`, several
   * separated by blanks or commas, or the file that `MCP_SEALED_ENVELOPE_KEY_ACCEPTED_FILE` names.
   */
  readonly acceptedKeys?: readonly string[] | undefined
  /** File of earlier keys, one on each line, unreadable for other users. */
  readonly acceptedKeysFile?: string | undefined
  /**
   * Whether to use values that were stored without a seal. Anyone who can write to the store can then replace a user's credential, so turn
   * it off once `keys reseal` has sealed them. Default false.
   */
  readonly acceptPlain?: boolean | undefined
  /** Called with weak or unusual conditions that are not errors. Default `process.emitWarning`. */
  readonly warn?: ((message: string) => void) | undefined
  /** A logger of pino's shape, which gets the same with `component` `sealed-envelope`. Default: none. */
  readonly logger?: Logger | undefined
}

const optionsSchema = z.strictObject({
  key: z.string().optional(),
  keyFile: z.string().min(1).optional(),
  acceptedKeys: z.array(z.string()).optional(),
  acceptedKeysFile: z.string().min(1).optional(),
  acceptPlain: z.boolean().default(false),
  warn: functionOption<(message: string) => void>(),
  logger: loggerOption(),
} satisfies OptionSchemas<SealedEnvelopeOptions>)

/**
 * Wraps a backend so that values are sealed with libsodium in this process before they reach the store. The store's administrators see
 * owners, field names and labels, but no value. They can delete a credential or roll it back, but not put another one in its place.
 *
 * A credential's values become one text in the field `mcp-sealed`: XChaCha20-Poly1305, padded, bound to provider, issuer and subject. An
 * earlier text of the same credential, put back, is accepted, as a roll-back is. Values cannot be rotated with the store's own tools any
 * more: use `mcp-credential-vault rotate`. docs/backends/sealed-envelope.md says when that is worth it.
 *
 * `open()` also throws `key_missing`, `key_malformed`, `key_exposed`, and `configuration_invalid` (`same_key`). A read throws `key_wrong`
 * (`unknown_seal_key`) for a value under a key that is not configured, and `record_tampered` for one that was moved from another credential
 * (`swapped`), changed (`seal`, `format`) or stored without a seal (`not_sealed`). None of them changes or deletes anything.
 *
 * @param inner `vaultBackend()`, `awsSecretsManagerBackend()` or any other backend
 * @throws `configuration_invalid` for a wrong option
 * @example
 * ```ts
 * import { sealedEnvelope } from 'mcp-credential-vault/backends/sealed-envelope'
 * import { vaultBackend } from 'mcp-credential-vault/backends/vault'
 *
 * const store = vaultBackend({ address: 'https://vault.example.com:8200', auth: { method: 'token', tokenFile: '/run/secrets/token' } })
 * const backend = sealedEnvelope(store, { keyFile: '/run/secrets/envelope-key' })
 * ```
 */
export function sealedEnvelope(inner: SecretBackend, options: SealedEnvelopeOptions = {}): SecretBackend {
  const settings = parseOptions(optionsSchema, options, 'sealedEnvelope')
  const { acceptPlain } = settings
  const warn = partWarnings(settings, 'sealed-envelope')
  const name = `${inner.name}+sealed-envelope`
  let opened: EnvelopeKeys | undefined

  function keys(): EnvelopeKeys {
    if (opened) return opened
    throw new CredentialVaultError('configuration_invalid', 'The sealed envelope is not open.', { reason: 'not_open' })
  }

  function open(stored: Readonly<Record<string, unknown>>, key: StorageKey): Readonly<Record<string, unknown>> {
    const found = openSealed(stored, key, keys())
    if ('values' in found) return found.values
    if (found.fault === 'not_sealed' && acceptPlain) return stored
    throw envelopeError(found, inner.locate(key), keys())
  }

  const envelope: SecretBackend = {
    ...passedOn(inner),
    name,

    async open(events) {
      await sodiumReady()
      const found = findEnvelopeKeys({ ...settings, warn, onFound: events?.keyConfigured })
      try {
        await inner.open(events)
      } catch (error) {
        wipeKeys(found)
        throw error
      }
      opened = found
      if (acceptPlain)
        warn(
          'The sealed envelope accepts values without a seal (acceptPlain), which everyone who can write to the store can put there. Run "mcp-credential-vault keys reseal", then turn it off.',
        )
    },

    async read(key, call) {
      const found = await inner.read(key, call)
      return found.status === 'active' ? { ...found, values: open(found.values, key) } : found
    },

    async stat(key, call) {
      const status = withoutSealedField(await inner.stat(key, call))
      if (acceptPlain || status.status !== 'active' || status.fields) return status
      // No label describes this version, so somebody may have stored it with the store's own tools.
      const names = await inner.fieldNames?.(key, call)
      return names === undefined || names.includes(SEALED_FIELD) ? status : { ...status, refused: 'not_sealed' }
    },

    async write(key, values, intent, call) {
      const sealed = { [SEALED_FIELD]: sealedText(values, key, intent.operationId, keys()[0]) }
      return inner.write(key, sealed, withFieldNames(intent, values), call)
    },

    async fieldNames(key, call) {
      const names = await inner.fieldNames?.(key, call)
      return names?.includes(SEALED_FIELD) ? undefined : names
    },

    async *list(call) {
      for await (const stored of inner.list(call)) yield { ...stored, status: withoutSealedField(stored.status) }
    },

    // The vendor's own commands store values without a seal.
    ...(acceptPlain && inner.rotateCommand && { rotateCommand: inner.rotateCommand.bind(inner) }),

    ...(inner.principals && {
      principals: () =>
        (inner.principals?.() ?? []).map(({ tier, backend }) => ({
          tier,
          backend: backend === inner ? envelope : sealedEnvelope(backend, options),
        })),
    }),

    resealing: createResealing({ inner, keys, acceptPlain }),

    async close() {
      await inner.close()
      if (opened) wipeKeys(opened)
      opened = undefined
    },
  }
  return envelope
}

/** The methods that do not handle values. Each is bound, because the inner backend may be a class instance. */
function passedOn(inner: SecretBackend) {
  return {
    locate: inner.locate.bind(inner),
    revoke: inner.revoke.bind(inner),
    ...(inner.isCurrent && { isCurrent: inner.isCurrent.bind(inner) }),
    ...(inner.markRejected && { markRejected: inner.markRejected.bind(inner) }),
    ...(inner.history && { history: inner.history.bind(inner) }),
    ...(inner.rights && { rights: inner.rights.bind(inner) }),
    ...(inner.deriveKey && { deriveKey: inner.deriveKey.bind(inner) }),
    ...(inner.storeKeys && { storeKeys: inner.storeKeys }),
    ...(inner.checkKeys && { checkKeys: inner.checkKeys.bind(inner) }),
    ...(inner.announceServer && { announceServer: inner.announceServer.bind(inner) }),
    ...(inner.announcedServers && { announcedServers: inner.announcedServers.bind(inner) }),
  }
}

/** Drops the field names if the store took them from the sealed values: then they name the envelope's field and not the user's. */
function withoutSealedField(status: CredentialStatus): CredentialStatus {
  if (status.status !== 'active' || !status.fields?.includes(SEALED_FIELD)) return status
  const { fields: _, ...known } = status
  return known
}
