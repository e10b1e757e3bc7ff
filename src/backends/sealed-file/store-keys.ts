import type { FoundKey } from '../../core/crypto/key-source.ts'
import { keyId } from '../../core/crypto/key-text.ts'
import { throwIfAborted } from '../../core/host/deadline.ts'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { StoreKeys } from '../../core/ports/store-keys.ts'
import type { CurrentRecords } from './current-record.ts'
import { exposed } from './exposure.ts'
import { bundleText } from './keys/bundle.ts'
import type { HeldKeyring } from './keys/held-keyring.ts'
import { rotated, type StoreKeyring, withoutOldKeys } from './keys/keyring.ts'
import { changeKeyring, keyringBusy, readKeyring } from './keys/keyring-file.ts'
import type { RejectionFiles } from './rejection-files.ts'
import { reseal } from './resealing.ts'
import { HOLD_MS, type Revisions } from './revisions.ts'

export interface StoreKeysParts {
  readonly root: string
  readonly found: FoundKey
  readonly keys: HeldKeyring
  readonly records: CurrentRecords
  readonly revisions: Revisions
  readonly rejections: RejectionFiles
}

export function createStoreKeys(parts: StoreKeysParts): StoreKeys {
  const { root, found, keys, records, revisions } = parts
  const storeKey = found.key
  return {
    async rotate() {
      const { sealKeys } = await changeKeyring(root, found, (keyring) => ({
        keyring: rotated(keyring),
        lockWith: storeKey,
      }))
      return { key: sealKeys[0].id, previous: sealKeys[1]?.id ?? '' }
    },

    reseal: ({ dryRun, onProgress }, signal) => reseal(parts, { dryRun, onProgress, signal }),

    async rewrap(key) {
      if (keyId(key) === keyId(storeKey)) throw sameKey(keyId(key))
      await changeKeyring(root, found, (keyring) => ({
        keyring: { ...keyring, generation: keyring.generation + 1 },
        lockWith: key,
      }))
      return { storeKey: keyId(key), previous: keyId(storeKey) }
    },

    async retire({ dryRun }, signal) {
      const keyring = keys.forWriting()
      const [newest, ...old] = keyring.sealKeys
      const retired = old.map(({ id }) => id)
      if (old.length === 0) return { key: newest.id, retired }
      checkAge(keyring)
      await checkNeeds(parts, keyring, signal)
      if (dryRun) return { key: newest.id, retired }
      await changeKeyring(root, found, (current) => {
        if (current.generation !== keyring.generation)
          throw keyringBusy('Another command changed the keyring meanwhile.')
        return { keyring: withoutOldKeys(current), lockWith: storeKey }
      })
      return { key: newest.id, retired }
    },

    async exportBundle(tier) {
      // From the file, since "keys rotate" may have replaced the keys that this process holds.
      const keyring = await readKeyring(root, found)
      if (!keyring) throw keyringBusy('The store has no keyring any more.')
      return { text: bundleText(keyring, tier), key: keyring.sealKeys[0].id }
    },

    exposed: ({ key }, signal) => exposed({ keyring: keys.forReading(), records, revisions }, key, signal),
  }
}

/**
 * A writer takes its keys after it has listed the credential's revisions, and does not commit if that listing is older than half of the
 * holding time. So once all of it has passed, no writer commits with an earlier key any more.
 */
function checkAge({ sealKeys: [newest] }: StoreKeyring): void {
  const ready = newest.createdAt + HOLD_MS
  if (Date.now() >= ready) return
  throw new CredentialVaultError(
    'conflict',
    `The newest key ${newest.id} is less than ten minutes old, and a server may be finishing a save with an earlier one. Nothing was changed. ` +
      `Try again after ${new Date(ready).toISOString()}.`,
    { reason: 'key_too_new' },
  )
}

async function checkNeeds(
  { records, revisions }: StoreKeysParts,
  keyring: StoreKeyring,
  signal: AbortSignal,
): Promise<void> {
  const [seal] = keyring.sealKeys
  const [sign] = keyring.signKeys
  let needing = 0
  for await (const id of revisions.ids()) {
    throwIfAborted(signal)
    const found = await records.find(id)
    if (found.kind === 'damaged') throw found.error
    if (found.kind !== 'verified') continue
    const { kind, sealKey, signKey } = found.record.header
    if ((kind !== 'purged' && sealKey !== seal.id) || signKey !== sign.id) needing += 1
  }
  if (needing === 0) return
  throw new CredentialVaultError(
    'conflict',
    `${needing} ${needing === 1 ? 'record needs' : 'records need'} an earlier key. Nothing was changed. Run "mcp-credential-vault keys reseal" first.`,
    { reason: 'key_in_use' },
  )
}

function sameKey(id: string): CredentialVaultError {
  return new CredentialVaultError(
    'configuration_invalid',
    `The store's keys are locked with key ${id} already. Make a new one with "mcp-credential-vault keygen".`,
    { reason: 'same_key' },
  )
}
