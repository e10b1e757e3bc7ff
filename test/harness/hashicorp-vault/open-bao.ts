import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { freePort } from '../free-port.ts'
import { pythonCommand, type RunningProcess, startProcess } from '../processes/running-process.ts'

export const ROOT_TOKEN = 'root'

export interface OpenBao {
  readonly address: string
  readonly folder: string
  readonly process: RunningProcess
  /** Vault's HTTP API with an administrator's token; throws for any status other than 2xx and 404. */
  api(method: string, path: string, body?: unknown, options?: ApiOptions): Promise<ApiAnswer>
  /** Lines of the server's own audit device. */
  auditLines(): readonly Record<string, unknown>[]
  /** Mounts a new KV version 2 engine, and returns its name. */
  newMount(options?: Readonly<Record<string, unknown>>): Promise<string>
  stop(): Promise<void>
}

export interface ApiOptions {
  readonly token?: string
  readonly namespace?: string
}

export interface ApiAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes of answers
  readonly body: any
}

export interface OpenBaoOptions {
  readonly tls?: boolean
}

/** The configuration that the page on the audit log tells its reader to add. */
function auditDevice(): string {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8')
  return /```hcl\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
}

/** A dev server of OpenBao on loopback with an audit device, or the binary that VAULT_BIN names. */
export async function startOpenBao({ tls = false }: OpenBaoOptions = {}): Promise<OpenBao> {
  const folder = mkdtempSync(join(tmpdir(), 'open-bao-'))
  const port = await freePort()
  const address = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const auditFile = join(folder, 'audit.log')
  writeFileSync(join(folder, 'bao.hcl'), auditDevice().replace('/var/log/openbao/audit.log', auditFile))
  const api = apiOf(address)
  const server = await startProcess(
    process.env['VAULT_BIN'] ?? pythonCommand('bao'),
    [
      'server',
      '-dev',
      '-dev-no-store-token',
      `-dev-root-token-id=${ROOT_TOKEN}`,
      `-dev-listen-address=127.0.0.1:${port}`,
      `-config=${join(folder, 'bao.hcl')}`,
      ...(tls ? ['-dev-tls', `-dev-tls-cert-dir=${folder}`] : []),
    ],
    {},
    async () => (await api('GET', 'secret/config')).status === 200,
  )
  return {
    address,
    folder,
    process: server,
    api,
    auditLines: () =>
      readFileSync(auditFile, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    async newMount(options = {}) {
      const name = `kv-${randomUUID().slice(0, 8)}`
      await api('POST', `sys/mounts/${name}`, { type: 'kv', options: { version: '2' }, ...options })
      await ready(api, name)
      return name
    },
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A new version 2 engine answers 400 for a moment. */
async function ready(api: OpenBao['api'], mount: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (
      await api('GET', `${mount}/config`).then(
        ({ status }) => status === 200,
        () => false,
      )
    )
      return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`the mount ${mount} did not get ready`)
}

const trusting = new Agent({ connect: { rejectUnauthorized: false } })

export function apiOf(address: string, rootToken = ROOT_TOKEN): OpenBao['api'] {
  return async (method, path, body, { token = rootToken, namespace } = {}) => {
    const answer = await request(`${address}/v1/${path}`, {
      method: method as 'GET',
      dispatcher: trusting,
      headers: {
        'x-vault-token': token,
        ...(namespace && { 'x-vault-namespace': namespace }),
        'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
      },
      body: body === undefined ? null : JSON.stringify(body),
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 300 && answer.statusCode !== 404)
      throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    return { status: answer.statusCode, body: text === '' ? undefined : JSON.parse(text) }
  }
}
