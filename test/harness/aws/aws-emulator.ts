import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { freePort } from '../free-port.ts'
import { pythonCommand, type RunningProcess, startProcess } from '../processes/running-process.ts'

export type EmulatorName = 'moto' | 'ministack'

/** One of the two emulators of AWS Secrets Manager. Neither is AWS: `aws-proxy.ts` corrects what each gets wrong. */
export interface AwsEmulator {
  readonly name: EmulatorName
  readonly endpoint: string
  readonly process: RunningProcess
  /** The administrator's own client, straight to the emulator. */
  readonly administrator: SecretsManager
  stop(): Promise<void>
}

export const REGION = 'us-east-1'
export const ROOT_KEYS = { accessKeyId: 'test', secretAccessKey: 'test' }

export async function startAwsEmulator(name: EmulatorName): Promise<AwsEmulator> {
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const answers = async () => (await fetch(endpoint)).status > 0
  const server =
    name === 'moto'
      ? await startProcess(pythonCommand('moto_server'), ['-H', '127.0.0.1', '-p', String(port)], {}, answers)
      : await startProcess(
          pythonCommand('ministack'),
          [],
          { BIND_HOST: '127.0.0.1', GATEWAY_PORT: String(port), AUTH: 'true', CLOUDTRAIL_RECORDING: '1' },
          answers,
        )
  const administrator = new SecretsManager({ endpoint, region: REGION, credentials: ROOT_KEYS })
  return {
    name,
    endpoint,
    process: server,
    administrator,
    async stop() {
      administrator.destroy()
      await server.stop()
    },
  }
}
