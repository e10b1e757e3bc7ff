import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { awsSecretsManagerBackend } from '../../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { sealedEnvelope } from '../../../src/backends/sealed-envelope/sealed-envelope.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import type { SecretBackendHarness, VendorOperator } from '../../../src/testing/secret-backend/harness.ts'
import { describeSecretBackend } from '../../../src/testing/secret-backend/suite.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../../harness/aws/aws-emulator.ts'
import { awsOperator } from '../../harness/aws/aws-operator.ts'
import { type AwsProxy, startAwsProxy } from '../../harness/aws/aws-proxy.ts'
import { hashicorpOperator } from '../../harness/hashicorp-vault/hashicorp-operator.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultProxy } from '../../harness/hashicorp-vault/vault-proxy.ts'

const KEY = generateKeyText()
const FAULTS = ['down', 'hanging', 'dripping', 'reset', 'lost', 'html', 'failing', 'throttled', 'denied'] as const

/** Two envelopes around backends of their own, and more as they are asked for. */
async function harnessOf(
  inner: () => SecretBackend,
  rest: Pick<SecretBackendHarness, 'vendor' | 'fault' | 'beforeChange'> = {},
): Promise<SecretBackendHarness> {
  const opened: SecretBackend[] = []
  const connect = async () => {
    // Values that the vendor's operator wrote by hand are for the envelope that accepts them.
    const acceptPlain = rest.vendor !== undefined
    const backend = sealedEnvelope(inner(), { key: KEY, acceptPlain, warn: () => undefined })
    await backend.open()
    opened.push(backend)
    return backend
  }
  const close = async () => void (await Promise.all(opened.map((backend) => backend.close())))
  return { here: await connect(), there: await connect(), reconnect: connect, ...rest, close }
}

function faultOf(proxy: VaultProxy | AwsProxy): NonNullable<SecretBackendHarness['fault']> {
  return async (fault) => {
    if (fault === 'down') return proxy.down()
    if (fault === 'none') await proxy.up().catch(() => undefined)
    if (fault !== 'sealed') proxy.fault(fault)
  }
}

describe('in memory', () => {
  describeSecretBackend({
    test,
    async makeHarness() {
      const backend = sealedEnvelope(memoryBackend(), { key: KEY })
      await backend.open()
      return { here: backend, there: backend, close: () => backend.close() }
    },
  })
})

describe('over OpenBao', () => {
  let bao: OpenBao
  let proxy: VaultProxy

  beforeAll(async () => {
    bao = await startOpenBao()
    proxy = await startVaultProxy(bao.address)
  })
  afterAll(async () => {
    await proxy.close()
    await bao.stop()
  })

  const inner = (mount: string) => () =>
    vaultBackend({
      address: proxy.endpoint,
      auth: { method: 'token', token: ROOT_TOKEN },
      mount,
      warn: () => undefined,
    })

  describe('strict, behind a network that fails', () => {
    describeSecretBackend({
      test,
      faults: [...FAULTS],
      makeHarness: async () =>
        harnessOf(inner(await bao.newMount()), { fault: faultOf(proxy), beforeChange: proxy.beforeChange }),
    })
  })

  describe('accepting plain values', () => {
    describeSecretBackend({
      test,
      async makeHarness() {
        const mount = await bao.newMount()
        return harnessOf(inner(mount), { vendor: hashicorpOperator(bao, mount), beforeChange: proxy.beforeChange })
      },
    })
  })
})

describe.each(['moto', 'ministack'] as const)('over %s', (name) => {
  let emulator: AwsEmulator
  let proxy: AwsProxy

  beforeAll(async () => {
    emulator = await startAwsEmulator(name)
    proxy = await startAwsProxy(emulator)
  })
  afterAll(async () => {
    await proxy.close()
    await emulator.stop()
  })

  const inner = (prefix: string) => () =>
    awsSecretsManagerBackend({
      region: REGION,
      endpoint: proxy.endpoint,
      credentials: async () => ROOT_KEYS,
      prefix,
      warn: () => undefined,
    })
  const newPrefix = () => `mcp-${randomUUID().slice(0, 8)}`

  describe('strict, behind a network that fails', () => {
    describeSecretBackend({
      test,
      faults: [...FAULTS],
      makeHarness: () => harnessOf(inner(newPrefix()), { fault: faultOf(proxy), beforeChange: proxy.beforeChange }),
    })
  })

  describe('accepting plain values', () => {
    describeSecretBackend({
      test,
      makeHarness: () => {
        const prefix = newPrefix()
        const vendor: VendorOperator = awsOperator(emulator.administrator, prefix)
        return harnessOf(inner(prefix), { vendor, beforeChange: proxy.beforeChange })
      },
    })
  })
})

test('its name says what it wraps', () => {
  expect(sealedEnvelope(memoryBackend(), { key: KEY }).name).toBe('memory+sealed-envelope')
})
