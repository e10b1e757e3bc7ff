import type * as Sdk from '@aws-sdk/client-secrets-manager'
import { throwIfAborted } from '../../core/host/deadline.ts'
import type { BackendCall } from '../../core/ports/secret-backend.ts'
import { optionalPackage } from '../vendor/optional-package.ts'
import { awsError } from './aws-error.ts'
import type { AwsCredentialsProvider } from './aws-options.ts'

/** Input and output of each operation, by its name in the SDK. */
interface Operations {
  readonly getSecretValue: [Sdk.GetSecretValueRequest, Sdk.GetSecretValueResponse]
  readonly describeSecret: [Sdk.DescribeSecretRequest, Sdk.DescribeSecretResponse]
  readonly createSecret: [Sdk.CreateSecretRequest, Sdk.CreateSecretResponse]
  readonly putSecretValue: [Sdk.PutSecretValueRequest, Sdk.PutSecretValueResponse]
  readonly updateSecretVersionStage: [Sdk.UpdateSecretVersionStageRequest, Sdk.UpdateSecretVersionStageResponse]
  readonly deleteSecret: [Sdk.DeleteSecretRequest, Sdk.DeleteSecretResponse]
  readonly restoreSecret: [Sdk.RestoreSecretRequest, Sdk.RestoreSecretResponse]
  readonly tagResource: [Sdk.TagResourceRequest, object]
  readonly listSecrets: [Sdk.ListSecretsRequest, Sdk.ListSecretsResponse]
  readonly listSecretVersionIds: [Sdk.ListSecretVersionIdsRequest, Sdk.ListSecretVersionIdsResponse]
}
type Operation = keyof Operations

/** The service as one principal uses it. Throws our own errors, and `AwsAnswer` for answers that the caller must interpret. */
export interface AwsClient {
  <O extends Operation>(operation: O, input: Operations[O][0], call: BackendCall): Promise<Operations[O][1]>
  close(): void
}

export interface AwsClientOptions {
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly credentials: AwsCredentialsProvider | undefined
}

const READS: ReadonlySet<Operation> = new Set([
  'getSecretValue',
  'describeSecret',
  'listSecrets',
  'listSecretVersionIds',
])

/** Milliseconds. Without `throwOnRequestTimeout` the SDK prints a warning at the time-out and waits on. */
const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true } as const

export async function createAwsClient({ region, endpoint, credentials }: AwsClientOptions): Promise<AwsClient> {
  const sdk = await optionalPackage(
    '@aws-sdk/client-secrets-manager',
    'AWS Secrets Manager',
    () => import('@aws-sdk/client-secrets-manager'),
  )
  const configuration: Sdk.SecretsManagerClientConfig = {
    // Core retries for every backend. The second attempt here serves the SDK's clock correction after the first one failed.
    maxAttempts: 2,
    retryMode: 'standard',
    userAgentAppId: 'mcp-credential-vault',
    requestHandler: TIMEOUTS,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
    ...(credentials && { credentials: tagged(credentials) }),
  }
  const where = endpoint === undefined ? `region ${region ?? 'of the SDK'}` : new URL(endpoint).origin
  const service = new sdk.SecretsManager(configuration)

  async function client<O extends Operation>(
    operation: O,
    input: Operations[O][0],
    call: BackendCall,
  ): Promise<Operations[O][1]> {
    throwIfAborted(call.signal)
    // TypeScript cannot pick the overload of this shape through a type parameter.
    const method = service[operation].bind(service) as unknown as Method<O>
    try {
      const answer = await method(input, { abortSignal: call.signal })
      note(answer, call)
      return answer
    } catch (error) {
      note(error, call)
      throw awsError(error, !READS.has(operation), where)
    }
  }
  return Object.assign(client, { close: () => service.destroy() })
}

/** Marks every error of a credentials provider as a failed login, so that it is not taken for a failed request. */
function tagged(provider: AwsCredentialsProvider): AwsCredentialsProvider {
  return async () => {
    try {
      return await provider()
    } catch {
      throw Object.assign(new Error('no credentials'), { name: 'CredentialsProviderError' })
    }
  }
}

type Method<O extends Operation> = (
  input: Operations[O][0],
  options: { readonly abortSignal: AbortSignal },
) => Promise<Operations[O][1]>

function note(answer: unknown, call: BackendCall): void {
  const metadata = typeof answer === 'object' && answer !== null && '$metadata' in answer ? answer.$metadata : undefined
  const id =
    typeof metadata === 'object' && metadata !== null && 'requestId' in metadata ? metadata.requestId : undefined
  if (typeof id === 'string') call.noteRequest?.(id)
}
