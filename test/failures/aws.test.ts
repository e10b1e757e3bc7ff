import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type AwsSecretsManagerOptions,
  awsSecretsManagerBackend,
} from '../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { vendorName } from '../../src/backends/vendor/vendor-name.ts'
import { gateTexts } from '../../src/core/gate/gate-texts.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { call, put } from '../../src/testing/secret-backend/calls.ts'
import type { VendorOperator } from '../../src/testing/secret-backend/harness.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../harness/aws/aws-emulator.ts'
import { awsOperator } from '../harness/aws/aws-operator.ts'
import { type AwsProxy, startAwsProxy } from '../harness/aws/aws-proxy.ts'
import { rejectionOf } from '../harness/thrown-error.ts'
import { afterTtl, KEY, PAT, storeUnderTest } from './store-under-test.ts'

describe.each(['moto', 'ministack'] as const)('%s', (name) => {
  let emulator: AwsEmulator
  let proxy: AwsProxy
  let prefix: string
  let operator: VendorOperator
  const backends: SecretBackend[] = []
  const warnings: string[] = []

  beforeAll(async () => {
    emulator = await startAwsEmulator(name)
    proxy = await startAwsProxy(emulator)
  })
  afterAll(async () => {
    await proxy.close()
    await emulator.stop()
  })
  beforeEach(() => {
    prefix = `mcp-${randomUUID().slice(0, 8)}`
    operator = awsOperator(emulator.administrator, prefix)
    warnings.length = 0
  })
  afterEach(async () => {
    proxy.fault('none')
    proxy.keepRemovedFor(0)
    await proxy.up().catch(() => undefined)
    await Promise.all(backends.splice(0).map((backend) => backend.close()))
    proxy.operations.length = 0
  })

  async function connect(given: AwsSecretsManagerOptions = {}): Promise<SecretBackend> {
    const backend = awsSecretsManagerBackend({
      region: REGION,
      endpoint: proxy.endpoint,
      credentials: async () => ROOT_KEYS,
      prefix,
      warn: (message) => warnings.push(message),
      ...given,
    })
    await backend.open()
    backends.push(backend)
    return backend
  }

  const store = async (given: Parameters<typeof storeUnderTest>[1] = {}) => storeUnderTest(await connect(), given)
  const count = (operation: string) => proxy.operations.filter((one) => one === operation).length
  const secretName = () => `${prefix}/${vendorName(KEY, 'readable').path}.cred`

  test('row 1: never connected is absent, and asked for again within two seconds only once', async () => {
    const { release, refusal } = await store()
    await refusal(release(), 'credential_absent')
    await refusal(release(), 'credential_absent')
    expect(count('GetSecretValue')).toBe(1)
  })

  test('row 2: a secret scheduled for deletion in the console is revoked within the TTL', async () => {
    const { release, save, status, refusal } = await store()
    await save()
    expect(await release()).toBe(PAT)
    await operator.remove(KEY)
    afterTtl()
    await refusal(release(), 'credential_revoked')
    expect(await status()).toBe('revoked')
  })

  test('row 3: a secret without a current version is revoked', async () => {
    const { release, save, refusal } = await store()
    await save()
    await operator.destroy(KEY)
    await refusal(release(), 'credential_revoked')
  })

  test('row 4: one that was deleted without recovery is absent within the TTL', async () => {
    const { release, save, refusal } = await store()
    await save()
    await release()
    await operator.purge(KEY)
    afterTtl()
    await refusal(release(), 'credential_absent')
  })

  test('row 5: a restored secret works again', async () => {
    const { release, save, refusal, credentials } = await store()
    await save()
    await operator.remove(KEY)
    await refusal(release(), 'credential_revoked')
    await operator.restore(KEY)
    credentials.forget(KEY)
    expect(await release()).toBe(PAT)
  })

  test('row 6: a value put in the console is used within the TTL, and its fields are not guessed', async () => {
    const { release, save, credentials, context } = await store()
    await save()
    expect(await release()).toBe(PAT)
    await operator.put(KEY, { pat: 'rotated by hand' })
    afterTtl()
    expect(await release()).toBe('rotated by hand')
    credentials.forget(KEY)
    expect(await credentials.status(KEY, context)).not.toHaveProperty('fields')
  })

  test('row 8: one that was removed and made again is another one', async () => {
    const { backend } = await store()
    const before = await put(backend, KEY, { pat: 'before' })
    await operator.purge(KEY)
    await operator.put(KEY, { pat: 'after' })
    const stale = put(backend, KEY, { pat: 'stale' }, { expect: { version: before.ref } })
    expect(await rejectionOf(stale)).toMatchObject({ code: 'conflict' })
  })

  test('row 11: an endpoint that refuses is unavailable at start', async () => {
    const refused = await rejectionOf(connect({ endpoint: 'http://127.0.0.1:1' }))
    expect(refused).toMatchObject({ code: 'unavailable', reason: 'connection' })
  })

  test('row 12: a service that hangs is given up within the deadline', async () => {
    const { save, backend } = await store()
    await save()
    const { release, refusal } = storeUnderTest(backend, { deadline: 600 })
    proxy.fault('hanging')
    await refusal(release(), 'unavailable', 'timeout')
  })

  test('row 13: a page with status 200 is no answer of AWS', async () => {
    const { save, release, refusal } = await store()
    await save()
    proxy.fault('html')
    const { tool } = await refusal(release(), 'unavailable')
    expect(tool).toContain('It has not been lost')
  })

  test.each([
    ['row 14', 'expired', 'unauthenticated', 'login', 'a problem on this server'],
    ['row 16', 'denied', 'forbidden', 'policy', 'Entering it again will not help'],
    ['row 19', 'throttled', 'unavailable', 'throttled', 'It has not been lost'],
    ['row 28', 'kms', 'configuration_invalid', 'kms', 'a problem on this server'],
    ['row 32', 'skewed', 'configuration_invalid', 'clock', 'a problem on this server'],
  ] as const)('%s: %s is %s (%s), and a cached value is good until its time', async (_, fault, code, reason, words) => {
    const { save, release, refusal } = await store()
    await save()
    expect(await release()).toBe(PAT)
    proxy.fault(fault)
    expect(await release()).toBe(PAT)
    afterTtl()
    const { tool } = await refusal(release(), code, reason)
    expect(tool).toContain(words)
    proxy.fault('none')
    await expect.poll(release).toBe(PAT)
  })

  test('row 20 and 23: a label that cannot be moved any more is a conflict, and nothing is overwritten', async () => {
    const { save, credentials, context, refusal, release } = await store()
    await save()
    const before = await credentials.status(KEY, context)
    await operator.put(KEY, { pat: 'theirs' })
    const expected = before.status === 'active' ? before.version.ref : undefined
    if (!expected) throw new Error('it is active')
    const revoking = credentials.revoke(KEY, { purge: false, expect: { version: expected } }, context)
    await refusal(revoking, 'conflict')
    expect(await release()).toBe('theirs')
  })

  test('row 23: a value staged before somebody else’s is left behind, unseen', async () => {
    const backend = await connect()
    const { ref } = await put(backend, KEY, { pat: 'before' })
    const operationId = randomUUID()
    await emulator.administrator.putSecretValue({
      SecretId: secretName(),
      SecretString: JSON.stringify({ pat: 'staged' }),
      ClientRequestToken: operationId,
      VersionStages: ['MCPSTAGED'],
    })
    await operator.put(KEY, { pat: 'theirs' })
    const late = put(backend, KEY, { pat: 'staged' }, { expect: { version: ref }, operationId })
    expect(await rejectionOf(late)).toMatchObject({ code: 'conflict' })
    expect(await backend.read(KEY, call())).toMatchObject({ values: { pat: 'theirs' } })
  })

  test.each(['CreateSecret', 'PutSecretValue'])('row 21: a save whose %s got no answer is found', async (operation) => {
    const { save, release } = await store()
    if (operation === 'PutSecretValue') await save('before')
    proxy.loseAnswers(operation)
    await save()
    expect(await release()).toBe(PAT)
  })

  test('row 22: a save whose tags cannot be written is a save, with a warning', async () => {
    const { save, release } = await store()
    await save('first')
    proxy.fault('denied', 'TagResource')
    await save()
    expect(warnings.join()).toContain('could not be written (policy)')
    expect(await release()).toBe(PAT)
  })

  test.each(['UpdateSecretVersionStage', 'DeleteSecret'])(
    'row 24: a revocation that died before %s is a revocation, and the next one ends it',
    async (operation) => {
      const { save, release, revoke, refusal, backend } = await store()
      await save('first')
      await save()
      proxy.fault('failing', operation)
      await refusal(revoke(), 'outcome_unknown')
      await refusal(release(), 'credential_revoked')
      proxy.fault('none')
      expect(await revoke()).toBe(true)
      const found = await emulator.administrator.describeSecret({ SecretId: secretName() })
      expect(found.DeletedDate).toBeDefined()
      const labelled = Object.entries(found.VersionIdsToStages ?? {}).filter(([, labels]) => labels.length > 0)
      expect(labelled.map(([version]) => version.slice(0, 12))).toEqual(['mcp-revoked-'])
      expect((await backend.stat(KEY, call())).status).toBe('revoked')
    },
  )

  test('row 24: a save between the steps of a revocation is kept', async () => {
    const { save, revoke, release, backend } = await store()
    await save('before')
    proxy.fault('failing', 'UpdateSecretVersionStage')
    await rejectionOf(revoke())
    proxy.fault('none')
    await put(backend, KEY, { pat: 'connected again' })
    expect(
      await backend
        .revoke(KEY, { expect: { version: 'gone' as never }, operationId: 'x', purge: false }, call())
        .catch((error) => error.code),
    ).toBe('conflict')
    expect(await release()).toBe('connected again')
  })

  test.each(['PutSecretValue', 'UpdateSecretVersionStage', 'DeleteSecret'])(
    'row 24: a revocation whose %s got no answer is done, once',
    async (operation) => {
      const { save, revoke, refusal, release } = await store()
      await save()
      proxy.loseAnswers(operation)
      expect(await revoke()).toBe(true)
      await refusal(release(), 'credential_revoked')
      const found = await emulator.administrator.describeSecret({ SecretId: secretName() })
      expect(found.DeletedDate).toBeDefined()
    },
  )

  test('row 25: of two tabs after a deletion in the console, neither removes what the other saved', async () => {
    const { backend } = await store()
    await put(backend, KEY, { pat: 'before' })
    await operator.remove(KEY)
    const saved = await Promise.allSettled([put(backend, KEY, { pat: 'one' }), put(backend, KEY, { pat: 'two' })])
    expect(saved.some(({ status }) => status === 'fulfilled')).toBe(true)
    const found = await backend.read(KEY, call())
    expect(['one', 'two']).toContain(found.status === 'active' && found.values['pat'])
  })

  test('row 25: who connects again after a revocation finds a new secret, without having seen the old one', async () => {
    const { save, release, revoke } = await store()
    await save('before')
    await revoke()
    await save()
    expect(await release()).toBe(PAT)
    expect(count('RestoreSecret')).toBe(1)
  })

  test('row 26: a name that is still being removed is waited for, and then told', async () => {
    const { save, release, revoke, refusal } = await store()
    await save('before')
    proxy.keepRemovedFor(1_200)
    await revoke(true)
    await save()
    expect(await release()).toBe(PAT)
    proxy.keepRemovedFor(60_000)
    await revoke(true)
    const { form } = await refusal(save(), 'unavailable', 'still_being_removed')
    expect(form).toContain('Try again in a minute')
  })

  test('row 27: too many versions in a day', async () => {
    const { save, release, refusal } = await store()
    await save()
    proxy.fault('quota', 'PutSecretValue')
    const { form } = await refusal(save('second'), 'unavailable', 'quota')
    expect(form).toContain('Try again tomorrow')
    // Once by us, and once more by the SDK, which takes it for a rate limit.
    expect(count('PutSecretValue')).toBe(2)
    expect(await release()).toBe(PAT)
  })

  test('row 29: text, a number and binary are malformed, and not quoted', async () => {
    const { save, release, refusal, credentials } = await store()
    await save('first')
    for (const text of [PAT, '7', '["a"]', 'null', `{"pat": "${PAT}`]) {
      await operator.putText?.(KEY, text)
      credentials.forget(KEY)
      await refusal(release(), 'credential_malformed', 'not_json')
    }
    await emulator.administrator.putSecretValue({ SecretId: secretName(), SecretBinary: Buffer.from(PAT) })
    credentials.forget(KEY)
    await refusal(release(), 'credential_malformed', 'not_json')
    await operator.put(KEY, { pat: 7 })
    credentials.forget(KEY)
    const { error } = await refusal(release(), 'credential_malformed')
    expect(error.message).toContain('(pat)')
    expect(gateTexts.malformed('Jira', { url: 'https://form', hasLogin: true })).toContain('enter the credential again')
  })

  test('row 38: a save that is cut off leaves the old value or the new one, whole', async () => {
    const backend = await connect()
    const both = (value: string) => ({ pat: value, site: value })
    const offered = [both('start')]
    await put(backend, KEY, both('start'))
    for (let i = 0; i < 12; i += 1) {
      offered.push(both(`value ${i}`))
      const abort = new AbortController()
      setTimeout(() => abort.abort(), Math.random() * 30)
      const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: randomUUID() } as const
      await backend.write(KEY, both(`value ${i}`), intent, call(abort.signal)).catch(() => undefined)
      const found = await backend.read(KEY, call())
      expect(offered).toContainEqual(found.status === 'active' && { ...found.values })
    }
  })

  test('row 40: what is cached outlives a revocation during an outage by the TTL and no longer', async () => {
    const { save, release, refusal } = await store()
    await save()
    expect(await release()).toBe(PAT)
    await operator.remove(KEY)
    await proxy.down()
    expect(await release()).toBe(PAT)
    afterTtl()
    await refusal(release(), 'unavailable', 'connection')
  })
})
