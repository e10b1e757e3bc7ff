import { randomUUID } from 'node:crypto'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { awsSecretsManagerBackend } from '../../../src/backends/aws-secrets-manager/aws-secrets-manager.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { put } from '../../../src/testing/secret-backend/calls.ts'
import { type AwsEmulator, REGION, ROOT_KEYS, startAwsEmulator } from '../../harness/aws/aws-emulator.ts'
import { type AwsProxy, startAwsProxy } from '../../harness/aws/aws-proxy.ts'
import { type AwsUser, awsPolicy, newAwsUser } from '../../harness/aws/aws-users.ts'
import { debuggedTier, formsOf, LOCAL_USER } from '../../harness/processes/debugged-tier.ts'

const EARLIER = 'pat-of-alice-the-earlier-one'
const SECRET = 'pat-of-alice-that-no-form-tier-has-seen'
const ALICE = storageKey('jira', { issuer: 'local-user', subject: LOCAL_USER })

let emulator: AwsEmulator
let proxy: AwsProxy
beforeAll(async () => {
  emulator = await startAwsEmulator('ministack')
  proxy = await startAwsProxy(emulator)
})
afterAll(async () => {
  await proxy.close()
  await emulator.stop()
})

async function stored(more: readonly string[] = []) {
  const prefix = `mcp-${randomUUID().slice(0, 8)}`
  const backend = awsSecretsManagerBackend({
    region: REGION,
    endpoint: proxy.endpoint,
    prefix,
    credentials: async () => ROOT_KEYS,
    warn: () => undefined,
  })
  await backend.open()
  onTestFinished(() => backend.close())
  await put(backend, ALICE, { pat: EARLIER })
  await put(backend, ALICE, { pat: SECRET })
  const keys = await newAwsUser(emulator, awsPolicy('form', prefix, more))
  const environment = {
    MCP_VAULT_BACKEND: 'aws-secrets-manager',
    MCP_AWS_PREFIX: prefix,
    MCP_WEB_KEY: generateKeyText(),
    MCP_AUDIT_KEY: generateKeyText(),
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: proxy.endpoint,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
  }
  return { prefix, environment, SecretId: backend.locate(ALICE).replace(/ .*/, '') }
}

/** Everything that might tell a value, with these keys. */
async function attack(keys: AwsUser, SecretId: string): Promise<string> {
  const client = new SecretsManager({ endpoint: proxy.endpoint, region: REGION, credentials: keys, maxAttempts: 1 })
  const outcome = (work: Promise<unknown>) =>
    work.then(JSON.stringify, (error: unknown) => `${String(error)} ${JSON.stringify(error)}`)
  try {
    const described = await client.describeSecret({ SecretId }).catch(() => undefined)
    const versions = Object.keys(described?.VersionIdsToStages ?? {})
    const ResourcePolicy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
    })
    const steps: readonly (() => Promise<unknown>)[] = [
      () => client.getSecretValue({ SecretId }),
      () => client.getSecretValue({ SecretId: described?.ARN ?? SecretId }),
      () => client.getSecretValue({ SecretId, VersionStage: 'AWSPREVIOUS' }),
      ...versions.map((VersionId) => () => client.getSecretValue({ SecretId, VersionId })),
      () => client.batchGetSecretValue({ SecretIdList: [SecretId] }),
      () => client.batchGetSecretValue({ Filters: [{ Key: 'name', Values: [SecretId] }] }),
      () => client.listSecrets({}),
      () => client.listSecretVersionIds({ SecretId, IncludeDeprecated: true }),
      () => client.putResourcePolicy({ SecretId, ResourcePolicy }),
      () => client.replicateSecretToRegions({ SecretId, AddReplicaRegions: [{ Region: 'eu-west-1' }] }),
      () => client.updateSecret({ SecretId, Description: 'mine' }),
      () => client.tagResource({ SecretId, Tags: [{ Key: 'owner', Value: 'mine' }] }),
      () => client.getSecretValue({ SecretId }),
      () => client.describeSecret({ SecretId }),
    ]
    const answers: string[] = []
    for (const step of steps) answers.push(await outcome(step()))
    return answers.join('\n')
  } finally {
    client.destroy()
  }
}

test('with its login and a debugger, an attacker reads no version of a value, and its memory holds none', async () => {
  const { environment, SecretId } = await stored()
  const form = await debuggedTier('form', environment)
  expect(await form.openPage()).toContain('Replace Jira')
  const [accessKeyId, secretAccessKey] = (await form.evaluate(
    '[process.env.AWS_ACCESS_KEY_ID, process.env.AWS_SECRET_ACCESS_KEY]',
  )) as [string, string]
  const answers = await attack({ accessKeyId, secretAccessKey }, SecretId)
  expect(answers).not.toContain(SECRET)
  expect(answers).not.toContain(EARLIER)
  expect(answers).toContain('AccessDenied')
  // The login is alive, and knows that the credential is there.
  expect(answers).toContain('VersionIdsToStages')
  const needles = { secret: [...formsOf(SECRET), ...formsOf(EARLIER)], 'its login': formsOf(secretAccessKey) }
  expect(await form.found(needles)).toEqual(['its login'])
})

test("the same attack with the tools' login reads it", async () => {
  const { prefix, SecretId } = await stored()
  expect(await attack(await newAwsUser(emulator, awsPolicy('tool', prefix)), SecretId)).toContain(SECRET)
})

test('a form tier whose login may read does not start, and says what to do', async () => {
  const { prefix, environment } = await stored()
  const server = await newAwsUser(emulator, awsPolicy('server', prefix))
  const wide = { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey }
  const starting = debuggedTier('form', { ...environment, ...wide })
  await expect(starting).rejects.toThrow('its login to aws-secrets-manager may read credentials')
})
