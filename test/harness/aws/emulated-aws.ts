import { type AwsEmulator, type EmulatorName, REGION, ROOT_KEYS, startAwsEmulator } from './aws-emulator.ts'
import { type AwsProxy, startAwsProxy } from './aws-proxy.ts'

/** An emulator behind its proxy, as an operator's variables name it. */
export interface EmulatedAws {
  readonly emulator: AwsEmulator
  readonly proxy: AwsProxy
  /**
   * Where the AWS SDK finds it. A command in a process of its own gets these variables; for one in the test's process they go into
   * `vi.stubEnv`, since the SDK reads `process.env` itself.
   */
  readonly variables: Readonly<Record<string, string>>
  close(): Promise<void>
}

export async function startEmulatedAws(name: EmulatorName): Promise<EmulatedAws> {
  const emulator = await startAwsEmulator(name)
  const proxy = await startAwsProxy(emulator)
  return {
    emulator,
    proxy,
    variables: {
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: proxy.endpoint,
      AWS_ACCESS_KEY_ID: ROOT_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: ROOT_KEYS.secretAccessKey,
    },
    async close() {
      await proxy.close()
      await emulator.stop()
    },
  }
}
