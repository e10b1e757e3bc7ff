import type { DependencyReason } from '../../core/model/error-reason.ts'
import { CredentialVaultError, isCredentialVaultError } from '../../core/model/errors.ts'
import { connectionFailure, connectionProblem } from '../../core/network/connection-failure.ts'

/** Names of the service's errors whose meaning depends on the caller's situation. */
export type ServiceAnswer =
  | 'ResourceNotFoundException'
  | 'ResourceExistsException'
  | 'InvalidRequestException'
  | 'InvalidParameterException'

const ANSWERS: ReadonlySet<string> = new Set<ServiceAnswer>([
  'ResourceNotFoundException',
  'ResourceExistsException',
  'InvalidRequestException',
  'InvalidParameterException',
])

/** An AWS error that the caller must interpret. It keeps only the name, because the text may quote the request. */
export class AwsAnswer extends Error {
  readonly answer: ServiceAnswer

  constructor(answer: ServiceAnswer) {
    super(answer)
    this.answer = answer
  }
}

export function isAnswer(error: unknown, ...answers: readonly ServiceAnswer[]): error is AwsAnswer {
  return error instanceof AwsAnswer && answers.includes(error.answer)
}

interface Described {
  readonly name: string
  readonly code: string
  readonly message: string
  readonly status: number | undefined
}

const THROTTLED = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/
const LOGIN =
  /UnrecognizedClient|InvalidSignature|ExpiredToken|InvalidClientTokenId|CredentialsProvider|TokenProvider|IncompleteSignature|MissingAuthenticationToken|InvalidIdentityToken|IDPRejectedClaim|IDPCommunicationError|^AccessDenied$/
const NEVER_SENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/
const CERTIFICATE = /^(?:CERT_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/

/**
 * Translates an error of the SDK. The original is dropped, because it may hold a part of the answer.
 *
 * @param where region or endpoint, for operators
 */
export function awsError(error: unknown, change: boolean, where: string): CredentialVaultError | AwsAnswer {
  if (isCredentialVaultError(error) || error instanceof AwsAnswer) return error
  const seen = described(error)
  if (ANSWERS.has(seen.name)) return new AwsAnswer(seen.name as ServiceAnswer)
  return (
    rightsError(seen) ??
    limitError(seen) ??
    connectionError(error, seen, where) ??
    answerError(error, seen, change, where)
  )
}

/** Translates errors of keys, policies and logins, which the operator must fix. */
function rightsError({ name, message }: Described): CredentialVaultError | undefined {
  const isKms = /kms|DecryptionFailure|EncryptionFailure/i.test(name)
  if (isKms || (name === 'AccessDeniedException' && /kms/i.test(message)))
    return new CredentialVaultError(
      'configuration_invalid',
      "The secret's KMS key cannot be used: it is disabled, scheduled for deletion, or its policy does not allow this server.",
      { reason: 'kms' },
    )
  if (name === 'AccessDeniedException')
    return new CredentialVaultError(
      'forbidden',
      'The IAM policy of these AWS credentials does not allow that. A server needs the policy aws-server.json, or aws-form.json and aws-tool.json for two logins, an operator aws-operator.json: see docs/backends/aws-secrets-manager.md.',
      { reason: 'policy' },
    )
  if (/TimeTooSkewed|RequestExpired/.test(name))
    return misconfigured('clock', "This machine's clock is wrong: AWS refuses its requests.")
  if (LOGIN.test(name))
    return new CredentialVaultError(
      'unauthenticated',
      "AWS did not accept this server's credentials. Check the role or keys that it runs with; users' secrets are untouched.",
      { reason: 'login' },
    )
  if (/Region is missing/.test(message))
    return misconfigured('region', 'No AWS region is set. Set AWS_REGION or region.')
  return undefined
}

function limitError({ name, status }: Described): CredentialVaultError | undefined {
  if (THROTTLED.test(name) || status === 429)
    return unavailable('throttled', 'AWS Secrets Manager is busy: its rate limit is reached.')
  if (name !== 'LimitExceededException') return undefined
  return new CredentialVaultError(
    'unavailable',
    'This credential was changed too often: AWS allows about a hundred versions a day. Nothing was changed. Try again tomorrow.',
    { reason: 'quota' },
  )
}

/** Translates errors after which no part of the request has reached the service. */
function connectionError(error: unknown, { code }: Described, where: string): CredentialVaultError | undefined {
  if (connectionFailure(error) === 'plain_http')
    return misconfigured(
      'plain_http',
      `The server at ${where} speaks plain http, and the endpoint says https. Write http:// in endpoint (AWS_ENDPOINT_URL_SECRETS_MANAGER), or switch TLS on there.`,
    )
  if (CERTIFICATE.test(code))
    return misconfigured('tls', `The TLS certificate of AWS Secrets Manager (${where}) is not accepted.`)
  if (!NEVER_SENT.test(code)) return undefined
  return unavailable(
    'connection',
    `AWS Secrets Manager (${where}) cannot be reached (${connectionProblem(error)}). Nothing was changed. Check region (AWS_REGION) and endpoint (AWS_ENDPOINT_URL_SECRETS_MANAGER).`,
  )
}

function answerError(error: unknown, { status }: Described, change: boolean, where: string): CredentialVaultError {
  // Any other 4xx status means that the service refused the request.
  if (status !== undefined && status >= 400 && status < 500)
    return misconfigured(
      'refused',
      'AWS refused the request: an option is wrong, or the secret is managed by another service.',
    )
  if (change)
    return new CredentialVaultError(
      'outcome_unknown',
      'AWS did not confirm the change. Check the credential before you try again.',
      { reason: 'connection' },
    )
  if (status !== undefined && status >= 500)
    return unavailable('server_error', `AWS Secrets Manager (${where}) failed with status ${status}.`)
  return unavailable('connection', `AWS Secrets Manager (${where}) did not answer (${connectionProblem(error)}).`)
}

function misconfigured(reason: DependencyReason, message: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', message, { reason })
}

function unavailable(reason: DependencyReason, what: string): CredentialVaultError {
  return new CredentialVaultError('unavailable', `${what} Try again later.`, { reason, retryable: true })
}

function described(error: unknown): Described {
  if (!(error instanceof Error)) return { name: '', code: '', message: '', status: undefined }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const metadata = '$metadata' in error ? error.$metadata : undefined
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : undefined
  return { name: error.name, code, message: error.message, status }
}
