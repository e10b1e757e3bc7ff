import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKeyText } from 'mcp-credential-vault'
import { bringPython } from '../../scripts/bring-python.mjs'
import { REGION, ROOT_KEYS, startAwsEmulator } from '../../test/harness/aws/aws-emulator.ts'
import { startAwsProxy } from '../../test/harness/aws/aws-proxy.ts'
import { ROOT_TOKEN, startOpenBao } from '../../test/harness/hashicorp-vault/open-bao.ts'
import { operatorCommand, runCommand } from './operator-command.ts'

export const DEMO_BACKENDS = ['sealed-file', 'vault', 'aws-secrets-manager'] as const
export type DemoBackendName = (typeof DEMO_BACKENDS)[number]

/** A backend for the demo, with the server that it needs. */
export interface DemoBackend {
  /** What is printed of it. */
  readonly introduction: string
  /** The variables by which `createStores()` finds it. */
  readonly environment: NodeJS.ProcessEnv
  /** Whether a running server sees what another process changed at the next call, and not within the cache's time. */
  readonly noticesAtOnce: boolean
  /** Stores a new token in the way that operators have. Resolves to what they do. */
  rotate(credential: DemoCredential, pat: string): Promise<string>
  stop(): Promise<void>
}

export interface DemoCredential {
  /** Words that name it on the command line. */
  readonly words: readonly string[]
  /** The command that `show` prints for rotating it, and what to type there; undefined where the vendor has none. */
  readonly rotateCommand: string | undefined
  readonly rotateInput: string | undefined
}

/** @param folder for data and keys; removed by the caller */
export function startDemoBackend(name: DemoBackendName, folder: string): Promise<DemoBackend> {
  switch (name) {
    case 'sealed-file':
      return sealedFileBackend(folder)
    case 'vault':
      return openBaoBackend(folder)
    case 'aws-secrets-manager':
      return motoBackend()
  }
}

async function sealedFileBackend(folder: string): Promise<DemoBackend> {
  const keyFile = join(folder, 'vault.key')
  writeFileSync(keyFile, generateKeyText(), { mode: 0o600 })
  return {
    introduction: 'a sealed file in a temporary folder',
    environment: { MCP_VAULT_BACKEND: 'sealed-file', MCP_VAULT_KEY_FILE: keyFile },
    noticesAtOnce: true,
    async rotate({ words }, pat) {
      await operatorCommand(['rotate', ...words], { input: pat })
      return `mcp-credential-vault rotate ${words[0]}`
    },
    stop: async () => undefined,
  }
}

async function openBaoBackend(folder: string): Promise<DemoBackend> {
  await bringPython()
  const { address, process: server, stop } = await startOpenBao()
  return {
    introduction: `OpenBao at ${address}, in dev mode`,
    environment: { MCP_VAULT_BACKEND: 'vault', VAULT_ADDR: address, VAULT_TOKEN: ROOT_TOKEN },
    noticesAtOnce: false,
    async rotate({ rotateCommand = '', rotateInput = '' }, pat) {
      const words = rotateCommand.replace(/^vault /, '')
      const login = { VAULT_ADDR: address, VAULT_TOKEN: ROOT_TOKEN, BAO_ADDR: address, BAO_TOKEN: ROOT_TOKEN }
      await runCommand(server.child.spawnfile, words.split(' '), {
        input: rotateInput.replace('…', pat),
        environment: { ...login, HOME: folder },
      })
      return `vault ${words}`
    },
    stop,
  }
}

async function motoBackend(): Promise<DemoBackend> {
  await bringPython()
  const emulator = await startAwsEmulator('moto')
  const { endpoint, close } = await startAwsProxy(emulator)
  return {
    introduction: `moto at ${endpoint}, an emulator of AWS Secrets Manager, behind a proxy that corrects it`,
    environment: {
      MCP_VAULT_BACKEND: 'aws-secrets-manager',
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint,
      AWS_ACCESS_KEY_ID: ROOT_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT_KEYS.secretAccessKey,
    },
    noticesAtOnce: false,
    // The AWS command line is not among what the tests bring, so its request is made through the API.
    async rotate({ rotateCommand = '', rotateInput = '' }, pat) {
      const [, secretId] = /--secret-id (\S+)/.exec(rotateCommand) ?? []
      await emulator.administrator.putSecretValue({ SecretId: secretId, SecretString: rotateInput.replace('…', pat) })
      return `PutSecretValue of ${secretId}`
    },
    async stop() {
      await close()
      await emulator.stop()
    },
  }
}
