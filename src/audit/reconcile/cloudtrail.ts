import { z } from 'zod'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { parsedJson } from '../../core/model/json.ts'
import { type BackendLog, backendLog, type ForeignAccess } from './backend-log.ts'

const event = z.object({
  eventTime: z.union([z.string(), z.number()]),
  eventSource: z.string(),
  eventName: z.string(),
  requestID: z.string(),
  errorCode: z.string().nullish(),
  userIdentity: z.object({ arn: z.string().optional(), userName: z.string().optional() }).nullish(),
  requestParameters: z.record(z.string(), z.unknown()).nullish(),
})

/** A log file as CloudTrail delivers it, or the output of `aws cloudtrail lookup-events`. */
const file = z.union([
  z.object({ Records: z.array(z.unknown()) }),
  z.object({ Events: z.array(z.object({ CloudTrailEvent: z.string() })) }),
])

const TOUCHING = new Set([
  'GetSecretValue',
  'BatchGetSecretValue',
  'CreateSecret',
  'PutSecretValue',
  'UpdateSecret',
  'UpdateSecretVersionStage',
  'DeleteSecret',
  'RestoreSecret',
])

/** Begins the label of a version that its service rejected. Tools set it, and it changes no value. */
const MARK = 'mcp-rejected-'

/**
 * Reads the text of a CloudTrail file and finds the requests that touched secrets below a prefix.
 *
 * @throws `configuration_invalid` when the text is no such file
 */
export function readCloudTrail(text: string, prefix: string): BackendLog {
  const found = file.safeParse(parsedJson(text))
  if (!found.success) {
    throw new CredentialVaultError(
      'configuration_invalid',
      'The file is not a CloudTrail log: it has neither "Records" nor "Events". Pass a delivered file, or the output of "aws cloudtrail lookup-events".',
      { reason: 'cloudtrail_file' },
    )
  }
  const records =
    'Records' in found.data ? found.data.Records : found.data.Events.map((one) => parsedJson(one.CloudTrailEvent))
  const events = records.flatMap((record) => event.safeParse(record).data ?? [])
  return backendLog(events.map((one) => ({ at: timeOf(one), requestId: one.requestID, access: accessOf(one, prefix) })))
}

type CloudTrailEvent = z.output<typeof event>

function timeOf({ eventTime }: CloudTrailEvent): string {
  return typeof eventTime === 'string' ? eventTime : new Date(eventTime * 1000).toISOString()
}

function accessOf(found: CloudTrailEvent, prefix: string): ForeignAccess | undefined {
  const { eventSource, eventName, requestID, errorCode, userIdentity, requestParameters } = found
  if (eventSource !== 'secretsmanager.amazonaws.com') return undefined
  const names = secretNames(requestParameters ?? {})
  // A batch that names only filters may have read any secret.
  const byFilter = eventName === 'BatchGetSecretValue' && names.length === 0 ? `${prefix}/ by filter` : undefined
  const name = names.find((one) => one.startsWith(`${prefix}/`)) ?? byFilter
  if (!TOUCHING.has(eventName) || name === undefined || isMark(found)) return undefined
  return {
    at: timeOf(found),
    operation: `${eventName} ${name}`,
    requestId: requestID,
    correlationId: undefined,
    who: userIdentity?.arn ?? userIdentity?.userName ?? '',
    refused: typeof errorCode === 'string' && errorCode !== '',
  }
}

function isMark({ eventName, requestParameters }: CloudTrailEvent): boolean {
  const stage = requestParameters?.['versionStage'] ?? requestParameters?.['VersionStage']
  return eventName === 'UpdateSecretVersionStage' && typeof stage === 'string' && stage.startsWith(MARK)
}

/** Lists the secrets that a request names, by name or ARN. A batch has a list, or only filters. */
function secretNames(parameters: Readonly<Record<string, unknown>>): readonly string[] {
  const given = ['secretId', 'SecretId', 'name', 'Name', 'secretIdList', 'SecretIdList'].flatMap(
    (key) => parameters[key],
  )
  return given
    .filter((one) => typeof one === 'string')
    .map((one) => one.replace(/^arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:/, ''))
}
