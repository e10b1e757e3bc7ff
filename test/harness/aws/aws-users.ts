import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AwsEmulator, REGION } from './aws-emulator.ts'

export interface AwsUser {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The very policy of the docs, for a prefix of the test's own, with more actions if any are given. */
export function awsPolicy(
  name: 'form' | 'tool' | 'server' | 'operator',
  prefix: string,
  more: readonly string[] = [],
): string {
  const path = join(import.meta.dirname, `../../../docs/backends/policies/aws-${name}.json`)
  const text = readFileSync(path, 'utf8')
    .replaceAll('REGION', REGION)
    .replaceAll('ACCOUNT', '000000000000')
    .replaceAll('secret:mcp/', `secret:${prefix}/`)
  const policy = JSON.parse(text) as { Statement: object[] }
  if (more.length > 0)
    policy.Statement.push({
      Effect: 'Allow',
      Action: more.map((action) => `secretsmanager:${action}`),
      Resource: '*',
    })
  return JSON.stringify(policy)
}

interface Statement {
  readonly Action: string | readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

const MOVE = 'secretsmanager:UpdateSecretVersionStage'

/** Staging labels that each user may move, by access key; `*` at the end stands for anything. */
const movable = new Map<string, readonly string[]>()

/**
 * An IAM user of ministack with that inline policy and an access key. ministack does not know the condition key
 * `secretsmanager:VersionStage` and would refuse every request, so that condition is left out there, and the proxy enforces it.
 */
export async function newAwsUser(emulator: AwsEmulator, policy: string): Promise<AwsUser> {
  const UserName = `user-${randomUUID().slice(0, 8)}`
  const { Statement, ...document } = JSON.parse(policy) as { Statement: Statement[] }
  const stageOf = ({ Condition = {} }: Statement) =>
    Object.values(Condition).map((keys) => keys['secretsmanager:VersionStage'] ?? '')
  const known = Statement.map(({ Condition, ...statement }) => statement)
  const PolicyDocument = JSON.stringify({ ...document, Statement: known })
  await iam(emulator, { Action: 'CreateUser', UserName })
  await iam(emulator, { Action: 'PutUserPolicy', UserName, PolicyName: 'policy', PolicyDocument })
  const answer = await iam(emulator, { Action: 'CreateAccessKey', UserName })
  const value = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1] ?? ''
  const moving = Statement.filter(({ Action }) => [Action].flat().includes(MOVE))
  movable.set(
    value('AccessKeyId'),
    moving.flatMap((statement) => (statement.Condition ? stageOf(statement) : ['*'])),
  )
  return { accessKeyId: value('AccessKeyId'), secretAccessKey: value('SecretAccessKey') }
}

/** Whether the policy of the user who signed this request lets them move that staging label. Unknown users are administrators. */
export function mayMoveStage(authorization: string, stage: string): boolean {
  const [, accessKey = ''] = /Credential=([^/]+)/.exec(authorization) ?? []
  const allowed = movable.get(accessKey)
  return (
    !allowed ||
    allowed.some((pattern) => pattern === stage || (pattern.endsWith('*') && stage.startsWith(pattern.slice(0, -1))))
  )
}

/** IAM's query protocol; the emulator looks at who asks, and not at the signature. */
async function iam({ endpoint }: AwsEmulator, parameters: Readonly<Record<string, string>>): Promise<string> {
  const date = new Date().toISOString().slice(0, 10).replaceAll('-', '')
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      authorization: `AWS4-HMAC-SHA256 Credential=test/${date}/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0`,
      'x-amz-date': `${date}T000000Z`,
    },
    body: new URLSearchParams({ Version: '2010-05-08', ...parameters }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${parameters['Action']}: ${answer.status} ${text}`)
  return text
}
