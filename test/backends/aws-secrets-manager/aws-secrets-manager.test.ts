import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { awsSecretsManagerBackend } from '../../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { describeSecretBackend } from '../../../src/testing/secret-backend/suite.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../../harness/aws/aws-emulator.ts'
import { awsOperator } from '../../harness/aws/aws-operator.ts'
import { type AwsProxy, startAwsProxy } from '../../harness/aws/aws-proxy.ts'
import { isLive, liveAdministrator, removeSecrets } from '../../harness/aws/live-aws.ts'

describe.each(isLive ? [] : (['moto', 'ministack'] as const))('%s', (name) => {
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

  describeSecretBackend({
    test,
    faults: ['down', 'hanging', 'dripping', 'reset', 'lost', 'html', 'failing', 'throttled', 'denied'],
    async makeHarness() {
      const prefix = `mcp-${randomUUID().slice(0, 8)}`
      const opened: SecretBackend[] = []
      const connect = async () => {
        const backend = awsSecretsManagerBackend({
          region: REGION,
          endpoint: proxy.endpoint,
          credentials: async () => ROOT_KEYS,
          prefix,
          warn: () => undefined,
        })
        await backend.open()
        opened.push(backend)
        return backend
      }
      return {
        here: await connect(),
        there: await connect(),
        reconnect: connect,
        vendor: awsOperator(emulator.administrator, prefix),
        async fault(fault) {
          if (fault === 'down') return proxy.down()
          if (fault === 'none') await proxy.up().catch(() => undefined)
          if (fault !== 'sealed') proxy.fault(fault)
        },
        beforeChange: proxy.beforeChange,
        close: async () => void (await Promise.all(opened.map((backend) => backend.close()))),
      }
    },
  })
})

describe.each(isLive ? ['a live account'] : [])('%s', () => {
  const administrator = isLive ? liveAdministrator() : undefined
  afterAll(() => administrator?.destroy())

  describeSecretBackend({
    test: (name, run) => test(name, { timeout: 600_000 }, run),
    // Its network is not ours to break.
    faults: [],
    async makeHarness() {
      if (!administrator) throw new Error('there is no live account')
      const prefix = `mcp-test-${randomUUID().slice(0, 8)}`
      const opened: SecretBackend[] = []
      const connect = async () => {
        const backend = awsSecretsManagerBackend({ prefix, warn: () => undefined })
        await backend.open()
        opened.push(backend)
        return backend
      }
      return {
        here: await connect(),
        there: await connect(),
        reconnect: connect,
        vendor: awsOperator(administrator, prefix),
        async close() {
          await Promise.all(opened.map((backend) => backend.close()))
          await removeSecrets(administrator, prefix)
        },
      }
    },
  })
})
