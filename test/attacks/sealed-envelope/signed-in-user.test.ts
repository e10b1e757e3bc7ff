import { expect, onTestFinished, test } from 'vitest'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import { SEALED_FIELD } from '../../../src/core/model/stored-values.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { call, put, valuesOf } from '../../../src/testing/secret-backend/calls.ts'
import { ALICE, BOB } from '../../harness/hashicorp-vault/sealed-store.ts'

async function envelopeOver(inner: SecretBackend): Promise<SecretBackend> {
  const backend = sealedEnvelope(inner, { key: generateKeyText() })
  await backend.open()
  onTestFinished(() => backend.close())
  return backend
}

async function textOf(inner: SecretBackend): Promise<string> {
  const found = await inner.read(BOB, call())
  return found.status === 'active' ? String(found.values[SEALED_FIELD]) : expect.fail('nothing is stored')
}

test("a user who enters another user's sealed text gets that text back, and no value", async () => {
  const inner = memoryBackend()
  const backend = await envelopeOver(inner)
  await put(backend, BOB, { pat: 'canary-of-bob' })
  const text = await textOf(inner)
  await put(backend, ALICE, { pat: text })
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: text })
})

test('no form has a field of the name under which the text is stored', () => {
  expect(() => defineVariables({ [SEALED_FIELD]: { label: 'Token' } })).toThrow()
})

test('a backend of other people, as an instance of a class, never gets a value, and keeps its own object', async () => {
  const given: string[] = []
  class Theirs {
    readonly name = 'theirs'
    readonly #store = memoryBackend()
    open = () => this.#store.open()
    close = () => this.#store.close()
    list = (...parameters: Parameters<SecretBackend['list']>) => this.#store.list(...parameters)
    read(...parameters: Parameters<SecretBackend['read']>) {
      return this.#store.read(...parameters)
    }
    stat(...parameters: Parameters<SecretBackend['stat']>) {
      return this.#store.stat(...parameters)
    }
    write(...[key, values, intent, written]: Parameters<SecretBackend['write']>) {
      given.push(JSON.stringify([values, intent]))
      if (given.length === 3) throw new CredentialVaultError('unavailable', 'Theirs is down.')
      return this.#store.write(key, values, intent, written)
    }
    revoke(...parameters: Parameters<SecretBackend['revoke']>) {
      return this.#store.revoke(...parameters)
    }
    locate({ path }: typeof ALICE) {
      return `${this.name}: ${path}`
    }
  }
  const backend = await envelopeOver(new Theirs())
  await put(backend, ALICE, { pat: 'canary-of-alice' })
  await put(backend, ALICE, { pat: 'canary-of-alice-2' })
  await expect(put(backend, ALICE, { pat: 'canary-of-alice-3' })).rejects.toThrow('Theirs is down.')
  expect(given).toHaveLength(3)
  expect(given.join('')).not.toContain('canary')
  expect(await valuesOf(backend, ALICE)).toEqual({ pat: 'canary-of-alice-2' })
  expect(backend.locate(ALICE)).toBe(`theirs: ${ALICE.path}`)
})
