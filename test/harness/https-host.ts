import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface HttpsHost {
  /** `clients.example.com` and its port. Only {@link resolve} finds it. */
  readonly host: string
  /** The certificate, which is its own authority. */
  readonly ca: string
  readonly requests: readonly string[]
  resolve(hostname: string): Promise<readonly { address: string; family: number }[]>
  close(): Promise<void>
}

/** An https server on loopback with a name of the internet. */
export async function startHttpsHost(answer: RequestListener): Promise<HttpsHost> {
  const folder = mkdtempSync(join(tmpdir(), 'https-host-'))
  const at = (name: string) => join(folder, name)
  const { status, stderr } = spawnSync(
    'openssl',
    `req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=clients.example.com
      -addext subjectAltName=DNS:clients.example.com,IP:127.0.0.1 -keyout ${at('key')} -out ${at('cert')}`.split(/\s+/),
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  const ca = readFileSync(at('cert'), 'utf8')
  const requests: string[] = []
  const server = createServer({ key: readFileSync(at('key')), cert: ca }, (request, response) => {
    requests.push(request.url ?? '')
    answer(request, response)
  })
  rmSync(folder, { recursive: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `clients.example.com:${(server.address() as AddressInfo).port}`,
    ca,
    requests,
    resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
