import { writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { createStores } from '../../src/vault/environment/create-stores.ts'
import { freePort } from '../harness/free-port.ts'
import { temporaryFolder } from '../harness/sealed-file/sealed-folder.ts'

function backendOf(environment: NodeJS.ProcessEnv): SecretBackend {
  const { backend, audit, pendingStore } = createStores(environment)
  onTestFinished(async () => void (await Promise.all([backend.close(), audit.close(), pendingStore.shutdown()])))
  return backend
}

const VAULT = { MCP_VAULT_BACKEND: 'vault', VAULT_TOKEN: 'token' }
const AWS = { MCP_VAULT_BACKEND: 'aws-secrets-manager', AWS_REGION: 'eu-central-1' }

test('a Vault where nothing listens: the address, why, and the variable', async () => {
  const address = `http://127.0.0.1:${await freePort()}`
  await expect(backendOf({ ...VAULT, VAULT_ADDR: address }).open()).rejects.toMatchObject({
    code: 'unavailable',
    message: `Vault at ${address} cannot be reached (connection refused). Nothing was changed. Check address (VAULT_ADDR), then try again.`,
  })
})

test('a Vault at a port that hangs up: the same', async () => {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await expect(backendOf({ ...VAULT, VAULT_ADDR: address }).open()).rejects.toMatchObject({
    code: 'unavailable',
    message: `Vault at ${address} did not answer (the connection was closed). Check address (VAULT_ADDR), then try again.`,
  })
})

test('an AWS endpoint where nothing listens: the same', async () => {
  const address = `http://127.0.0.1:${await freePort()}`
  process.env['AWS_ACCESS_KEY_ID'] = 'test'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test'
  onTestFinished(() => {
    delete process.env['AWS_ACCESS_KEY_ID']
    delete process.env['AWS_SECRET_ACCESS_KEY']
  })
  await expect(backendOf({ ...AWS, AWS_ENDPOINT_URL_SECRETS_MANAGER: address }).open()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(
      new RegExp(
        `^AWS Secrets Manager \\(${address}\\) cannot be reached \\(connection refused\\)\\..*AWS_ENDPOINT_URL_SECRETS_MANAGER`,
      ),
    ),
  })
})

test.each([
  ['VAULT_SECRET_ID_FILE', 'auth.secretIdFile', 'both'],
  ['VAULT_READ_SECRET_ID_FILE', 'auth.read.secretIdFile', 'tool'],
  ['VAULT_WRITE_SECRET_ID_FILE', 'auth.write.secretIdFile', 'form'],
])('a file of %s that is missing or empty is named, with its variable', async (variable, option, tier) => {
  const folder = await temporaryFolder()
  const prefix = variable.replace('SECRET_ID_FILE', '')
  const login = { [`${prefix}AUTH_METHOD`]: 'approle', [`${prefix}ROLE_ID`]: 'r' }
  for (const [file, problem] of [
    ['missing', 'cannot be read by this user'],
    ['empty', 'is empty'],
  ] as const) {
    const path = join(folder, file)
    if (file === 'empty') writeFileSync(path, '\n')
    const environment = { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: 'http://127.0.0.1:9', ...login }
    const backend = backendOf({ ...environment, [variable]: path })
    const message = `The file ${path} of ${option} (${variable}) ${problem}.`
    await expect(backend.open()).rejects.toMatchObject({ code: 'unauthenticated', message })
    // As doctor opens each login.
    const principal = backend.principals?.().find((one) => one.tier === tier)
    await expect(principal?.backend.open()).rejects.toMatchObject({ code: 'unauthenticated', message })
  }
})

test('a secret that was given in place of its file is not repeated', async () => {
  const login = { VAULT_AUTH_METHOD: 'approle', VAULT_ROLE_ID: 'r', VAULT_SECRET_ID_FILE: 'canary-secret-id' }
  const backend = backendOf({ MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: 'http://127.0.0.1:9', ...login })
  await expect(backend.open()).rejects.toMatchObject({
    message: 'The file of auth.secretIdFile (VAULT_SECRET_ID_FILE) cannot be read by this user.',
  })
})
