import { expect, onTestFinished } from 'vitest'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { type SealedEnvelopeOptions, sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { type StorageKey, storageKey } from '../../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call } from '../../../src/testing/secret-backend/calls.ts'
import type { VendorOperator } from '../../../src/testing/secret-backend/harness.ts'
import { hashicorpOperator } from './hashicorp-operator.ts'
import { type OpenBao, ROOT_TOKEN } from './open-bao.ts'

export const ALICE: StorageKey = storageKey('jira', { issuer: 'https://login.example.com', subject: 'alice' })
export const BOB: StorageKey = storageKey('jira', { issuer: 'https://login.example.com', subject: 'bob' })

/** A mount of OpenBao behind sealed envelopes, and its administrator. */
export interface SealedStore {
  readonly mount: string
  readonly key: string
  readonly administrator: VendorOperator
  /** An envelope that is not open yet. */
  make(options?: SealedEnvelopeOptions): SecretBackend
  /** Another process's view of the same store. */
  open(options?: SealedEnvelopeOptions): Promise<SecretBackend>
  /** The store without an envelope. */
  plain(): Promise<SecretBackend>
  /** What the store itself holds for this credential. */
  held(key: StorageKey): Promise<Record<string, string>>
}

export async function sealedStore(bao: OpenBao): Promise<SealedStore> {
  const mount = await bao.newMount()
  const key = generateKeyText()
  const vault = () => vaultBackend({ address: bao.address, auth: { method: 'token', token: ROOT_TOKEN }, mount })
  const make = (options?: SealedEnvelopeOptions) => sealedEnvelope(vault(), { key, warn: () => undefined, ...options })
  async function opened(backend: SecretBackend): Promise<SecretBackend> {
    await backend.open()
    onTestFinished(() => backend.close())
    return backend
  }
  return {
    mount,
    key,
    administrator: hashicorpOperator(bao, mount),
    make,
    open: (options) => opened(make(options)),
    plain: () => opened(vault()),
    async held({ path }) {
      const { body } = await bao.api('GET', `${mount}/data/mcp/${path}`)
      return body.data.data
    },
  }
}

/** Expects that the credential is refused with this error, and that the store's answer is not quoted. */
export async function refuses(
  backend: SecretBackend,
  key: StorageKey,
  error: { readonly code: string; readonly reason: string },
): Promise<void> {
  const refused = await backend.read(key, call()).then(
    () => expect.fail('the value was released'),
    (thrown: unknown) => thrown,
  )
  expect(refused).toMatchObject(error)
  expect(String(refused)).not.toMatch(/canary|mcv-sealed-v1\.\w+-\w+\.[\w-]{5}/)
  // The credential is there: nobody is told that nothing is connected.
  expect(await backend.stat(key, call())).toMatchObject({ status: 'active' })
}
