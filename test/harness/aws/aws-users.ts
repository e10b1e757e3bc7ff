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

/** An IAM user of ministack with that inline policy and an access key. */
export async function newAwsUser(emulator: AwsEmulator, policy: string): Promise<AwsUser> {
  const UserName = `user-${randomUUID().slice(0, 8)}`
  await iam(emulator, { Action: 'CreateUser', UserName })
  await iam(emulator, { Action: 'PutUserPolicy', UserName, PolicyName: 'policy', PolicyDocument: policy })
  const answer = await iam(emulator, { Action: 'CreateAccessKey', UserName })
  const value = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(answer)?.[1] ?? ''
  return { accessKeyId: value('AccessKeyId'), secretAccessKey: value('SecretAccessKey') }
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
