import { randomUUID } from 'node:crypto'
import {
  jsonAnswer,
  type ProxiedAnswer,
  type ProxiedRequest,
  startFaultProxy,
  type TransportFault,
} from '../fault-proxy.ts'
import type { AwsEmulator } from './aws-emulator.ts'
import { mayMoveStage } from './aws-users.ts'

const REFUSALS = {
  failing: [500, 'InternalServiceError'],
  throttled: [400, 'ThrottlingException'],
  denied: [400, 'AccessDeniedException'],
  kms: [400, 'DecryptionFailure'],
  expired: [400, 'ExpiredTokenException'],
  skewed: [403, 'RequestTimeTooSkewed'],
  quota: [400, 'LimitExceededException'],
} as const

export type AwsFault = TransportFault | keyof typeof REFUSALS

/** In front of an emulator: makes it behave like AWS where it does not, and injects faults. */
export interface AwsProxy {
  readonly endpoint: string
  /** For every request from now on, or for those of one operation, e.g. `PutSecretValue`. `none` for all ends every fault. */
  fault(fault: AwsFault, operation?: string): void
  /** For every request about a secret whose name has this part. Ends with the other faults. */
  faultOfSecrets(fault: AwsFault, part: string): void
  /** The operation is carried out twice without an answer, which is as often as the SDK tries by itself. */
  loseAnswers(operation: string): void
  /** Milliseconds for which a name stays taken after it was deleted without recovery. */
  keepRemovedFor(milliseconds: number): void
  /** Runs this once, before the next request that stores a value or moves a label is passed on. */
  beforeChange(run: () => Promise<unknown>): void
  /** The operations that arrived, in order. */
  readonly operations: string[]
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

interface Parameters {
  readonly SecretId?: string
  readonly Name?: string
  readonly SecretString?: string
  readonly ClientRequestToken?: string
  readonly VersionStages?: readonly string[]
  readonly ForceDeleteWithoutRecovery?: boolean
  readonly VersionStage?: string
}

/** Operations whose result depends on the secret's state. */
const SENSITIVE = ['PutSecretValue', 'RestoreSecret', 'CreateSecret', 'UpdateSecretVersionStage', 'GetSecretValue']

const CHANGES = ['PutSecretValue', 'UpdateSecretVersionStage']

export async function startAwsProxy(emulator: AwsEmulator): Promise<AwsProxy> {
  const faults = new Map<string, AwsFault>()
  const secretFaults = new Map<string, AwsFault>()
  const losing = new Map<string, number>()
  const operations: string[] = []
  const removed = new Map<string, number>()
  const puts = new Map<string, string>()
  let keepRemoved = 0
  let first: (() => Promise<unknown>) | undefined

  function faultOf(request: ProxiedRequest): AwsFault {
    const { SecretId = '' } = secretFaults.size > 0 ? parametersOf(request) : {}
    const ofSecret = [...secretFaults].find(([part]) => SecretId.includes(part))?.[1]
    return ofSecret ?? faults.get(operationOf(request)) ?? faults.get('') ?? 'none'
  }

  const proxy = await startFaultProxy({
    target: emulator.endpoint,
    faultFor(request) {
      const fault = faultOf(request)
      const left = losing.get(operationOf(request)) ?? 0
      losing.set(operationOf(request), left - 1)
      if (left > 0) return 'lost'
      return isRefusal(fault) ? 'none' : fault
    },
    async answerFor(request) {
      operations.push(operationOf(request))
      const before = CHANGES.includes(operationOf(request)) ? first : undefined
      if (before) {
        first = undefined
        await before()
      }
      const fault = faultOf(request)
      if (isRefusal(fault)) {
        const [status, name] = REFUSALS[fault]
        return refusal(status, name)
      }
      if (fault !== 'none' && fault !== 'lost') return undefined
      if (operationOf(request) === 'UpdateSecretVersionStage') {
        const { VersionStage = '' } = parametersOf(request)
        if (!mayMoveStage(String(request.headers.authorization), VersionStage)) return refusal(...REFUSALS.denied)
      }
      const correction = await corrected(operationOf(request), parametersOf(request))
      return correction === undefined ? undefined : refusal(400, correction)
    },
    async after(request, answer) {
      if (answer.status !== 200) return
      const operation = operationOf(request)
      const parameters = parametersOf(request)
      const { SecretId = '', ClientRequestToken = '', SecretString = '' } = parameters
      if (operation === 'CreateSecret') await nameVersion(parameters, answer)
      if (operation === 'PutSecretValue') {
        puts.set(`${SecretId} ${ClientRequestToken}`, SecretString)
        if (!parameters.VersionStages) await leaveOneCurrent(SecretId)
      }
      if (parameters.ForceDeleteWithoutRecovery) removed.set(SecretId, Date.now() + keepRemoved)
    },
  })

  /** The name of the error that AWS would answer with where the emulator would not. */
  async function corrected(operation: string, parameters: Parameters): Promise<string | undefined> {
    const { Name, SecretId, SecretString = '', ClientRequestToken = '' } = parameters
    const name = Name ?? SecretId ?? ''
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name) && name !== '') return 'InvalidParameterException'
    if (Buffer.byteLength(SecretString) > 65_536) return 'InvalidParameterException'
    if (operation === 'CreateSecret' && (removed.get(name) ?? 0) > Date.now()) return 'InvalidRequestException'
    if (!SENSITIVE.includes(operation)) return undefined
    const scheduled = await isScheduled(name)
    if (scheduled === undefined) return undefined
    if (operation === 'RestoreSecret') return scheduled ? undefined : 'InvalidRequestException'
    if (scheduled) return 'InvalidRequestException'
    const earlier = puts.get(`${name} ${ClientRequestToken}`)
    const changed = operation === 'PutSecretValue' && earlier !== undefined && earlier !== SecretString
    return changed ? 'ResourceExistsException' : undefined
  }

  /** AWS names the first version after the token; ministack makes up a name. */
  async function nameVersion(parameters: Parameters, answer: ProxiedAnswer): Promise<void> {
    const { Name = '', SecretString, ClientRequestToken } = parameters
    const created = JSON.parse(answer.body.toString('utf8')) as { VersionId?: string }
    if (created.VersionId === ClientRequestToken || SecretString === undefined) return
    await emulator.administrator.putSecretValue({ SecretId: Name, SecretString, ClientRequestToken })
    await emulator.administrator.updateSecretVersionStage({
      SecretId: Name,
      VersionStage: 'AWSPREVIOUS',
      RemoveFromVersionId: created.VersionId,
    })
    answer.body = Buffer.from(JSON.stringify({ ...created, VersionId: ClientRequestToken }))
  }

  /** In moto a version that became current by a move of the label keeps it when the next one is put. Versions come as they were put. */
  async function leaveOneCurrent(SecretId: string): Promise<void> {
    const { VersionIdsToStages = {} } = await emulator.administrator.describeSecret({ SecretId })
    const current = Object.keys(VersionIdsToStages).filter((id) => VersionIdsToStages[id]?.includes('AWSCURRENT'))
    const VersionStage = 'AWSCURRENT'
    for (const RemoveFromVersionId of current.slice(0, -1))
      await emulator.administrator.updateSecretVersionStage({ SecretId, VersionStage, RemoveFromVersionId })
  }

  async function isScheduled(name: string): Promise<boolean | undefined> {
    try {
      return (await emulator.administrator.describeSecret({ SecretId: name })).DeletedDate !== undefined
    } catch {
      return undefined
    }
  }

  return {
    ...proxy,
    fault(fault, operation = '') {
      if (fault === 'none' && operation === '') {
        faults.clear()
        secretFaults.clear()
        losing.clear()
      } else faults.set(operation, fault)
    },
    faultOfSecrets: (fault, part) => void secretFaults.set(part, fault),
    loseAnswers: (operation) => void losing.set(operation, 2),
    keepRemovedFor(milliseconds) {
      keepRemoved = milliseconds
    },
    beforeChange(run) {
      first = run
    },
    operations,
  }
}

function isRefusal(fault: AwsFault): fault is keyof typeof REFUSALS {
  return Object.hasOwn(REFUSALS, fault)
}

function refusal(status: number, name: string): ProxiedAnswer {
  const body = { __type: name, message: 'refused by the proxy' }
  return jsonAnswer(status, body, {
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': randomUUID(),
  })
}

function operationOf({ headers }: ProxiedRequest): string {
  return String(headers['x-amz-target'] ?? '').replace('secretsmanager.', '')
}

function parametersOf({ body }: ProxiedRequest): Parameters {
  return JSON.parse(body.toString('utf8') || '{}') as Parameters
}
