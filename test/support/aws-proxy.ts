import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { AwsEmulator } from './aws-emulator.ts'

export type AwsFault =
  | 'none'
  | 'hanging'
  | 'dripping'
  | 'reset'
  | 'lost'
  | 'html'
  | 'failing'
  | 'throttled'
  | 'denied'
  | 'kms'
  | 'expired'
  | 'skewed'
  | 'quota'

/** In front of an emulator: makes it behave like AWS where it does not, and injects faults. */
export interface AwsProxy {
  readonly endpoint: string
  /** For every request from now on, or for those of one operation, e.g. `PutSecretValue`. */
  fault(fault: AwsFault, operation?: string): void
  /** Milliseconds for which a name stays taken after it was deleted without recovery. */
  keepRemovedFor(milliseconds: number): void
  /** The operations that arrived, in order. */
  readonly operations: string[]
  /** Stops listening; later connections are refused. */
  close(): Promise<void>
}

interface Parsed {
  readonly SecretId?: string
  readonly Name?: string
  readonly SecretString?: string
  readonly ClientRequestToken?: string
  readonly ForceDeleteWithoutRecovery?: boolean
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  body: Buffer
}

const REFUSALS: Partial<Record<AwsFault, readonly [number, string]>> = {
  throttled: [400, 'ThrottlingException'],
  denied: [400, 'AccessDeniedException'],
  kms: [400, 'DecryptionFailure'],
  expired: [400, 'ExpiredTokenException'],
  skewed: [403, 'RequestTimeTooSkewed'],
  quota: [400, 'LimitExceededException'],
  failing: [500, 'InternalServiceError'],
}

export async function startAwsProxy(emulator: AwsEmulator): Promise<AwsProxy> {
  const faults = new Map<string, AwsFault>()
  const operations: string[] = []
  const removed = new Map<string, number>()
  const puts = new Map<string, string>()
  let keepRemoved = 0

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request)
    const operation = String(request.headers['x-amz-target'] ?? '').replace('secretsmanager.', '')
    operations.push(operation)
    const fault = faults.get(operation) ?? faults.get('') ?? 'none'
    const refusal = REFUSALS[fault]
    if (refusal) return refuse(response, ...refusal)
    switch (fault) {
      case 'hanging':
        return
      case 'dripping':
        response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
        setInterval(() => response.write(' '), 100).unref()
        return
      case 'reset':
        response.writeHead(200, { 'content-length': '1000' }).write('{')
        setTimeout(() => response.destroy(), 5)
        return
      case 'html':
        response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in to the guest network</html>')
        return
    }
    const parsed = JSON.parse(body.toString('utf8') || '{}') as Parsed
    const correction = await corrected(operation, parsed)
    if (correction) return refuse(response, 400, correction)
    const answer = await pass(request, body)
    if (operation === 'CreateSecret' && answer.status === 200) await nameVersion(parsed, answer)
    if (fault === 'lost') return void response.destroy()
    response.writeHead(answer.status, answer.headers).end(answer.body)
    if (answer.status === 200 && operation === 'PutSecretValue')
      puts.set(`${parsed.SecretId} ${parsed.ClientRequestToken}`, parsed.SecretString ?? '')
    if (answer.status === 200 && parsed.ForceDeleteWithoutRecovery)
      removed.set(String(parsed.SecretId), Date.now() + keepRemoved)
  }

  /** The name of the error that AWS would answer with where the emulator would not. */
  async function corrected(operation: string, parsed: Parsed): Promise<string | undefined> {
    const name = parsed.Name ?? parsed.SecretId ?? ''
    if (!/^[A-Za-z0-9/_+=.@-]{1,512}$/.test(name) && name !== '') return 'InvalidParameterException'
    if (Buffer.byteLength(parsed.SecretString ?? '') > 65_536) return 'InvalidParameterException'
    if (operation === 'CreateSecret' && (removed.get(name) ?? 0) > Date.now()) return 'InvalidRequestException'
    const sensitive = ['PutSecretValue', 'RestoreSecret', 'CreateSecret', 'UpdateSecretVersionStage', 'GetSecretValue']
    if (!sensitive.includes(operation)) return undefined
    const scheduled = await isScheduled(name)
    if (scheduled === undefined) return undefined
    if (operation === 'RestoreSecret') return scheduled ? undefined : 'InvalidRequestException'
    if (scheduled) return 'InvalidRequestException'
    const earlier = puts.get(`${name} ${parsed.ClientRequestToken}`)
    if (operation === 'PutSecretValue' && earlier !== undefined && earlier !== parsed.SecretString)
      return 'ResourceExistsException'
    return undefined
  }

  /** AWS names the first version after the token; ministack makes up a name. */
  async function nameVersion({ Name = '', SecretString, ClientRequestToken }: Parsed, answer: Answer): Promise<void> {
    const created = JSON.parse(answer.body.toString('utf8')) as { VersionId?: string }
    if (created.VersionId === ClientRequestToken || SecretString === undefined) return
    await emulator.administrator.putSecretValue({ SecretId: Name, SecretString, ClientRequestToken })
    await emulator.administrator.updateSecretVersionStage({
      SecretId: Name,
      VersionStage: 'AWSPREVIOUS',
      RemoveFromVersionId: created.VersionId,
    })
    answer.body = Buffer.from(JSON.stringify({ ...created, VersionId: ClientRequestToken }))
    delete answer.headers['content-length']
  }

  async function isScheduled(name: string): Promise<boolean | undefined> {
    try {
      return (await emulator.administrator.describeSecret({ SecretId: name })).DeletedDate !== undefined
    } catch {
      return undefined
    }
  }

  async function pass(request: IncomingMessage, body: Buffer) {
    return new Promise<Answer>((resolve, reject) => {
      const target = new URL(request.url ?? '/', emulator.endpoint)
      const sent = forward(target, { method: request.method ?? 'POST', headers: request.headers }, async (answer) => {
        const whole = await bodyOf(answer)
        resolve({ status: answer.statusCode ?? 500, headers: answer.headers, body: whole })
      })
      sent.once('error', reject)
      sent.end(body)
    })
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault(fault, operation = '') {
      if (fault === 'none' && operation === '') faults.clear()
      else faults.set(operation, fault)
    },
    keepRemovedFor(milliseconds) {
      keepRemoved = milliseconds
    },
    operations,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function refuse(response: ServerResponse, status: number, name: string): void {
  response
    .writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': crypto.randomUUID() })
    .end(JSON.stringify({ __type: name, message: 'refused by the proxy' }))
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
