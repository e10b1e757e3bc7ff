import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { httpBrowser } from '../tickets/http-browser.ts'
import { browserClient, type IdentityProvider, startIdentityProvider } from '../tickets/identity-provider.ts'
import { operatorCommand } from '../tickets/operator-command.ts'
import type { Ports } from '../tickets/ports.ts'
import { startTicketService, type TicketService } from '../tickets/ticket-service.ts'
import { type OtherServer, startOtherServer } from './other-server.ts'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const FORM_CLIENT_ID = 'proxy-form'

export type ServerName = 'support' | 'facilities'

/** The proxy in front of two servers, with the services that they act at and an identity provider. */
export interface ProxyExample {
  readonly url: string
  readonly identityProvider: IdentityProvider
  readonly services: Readonly<Record<ServerName, TicketService>>
  readonly servers: Readonly<Record<ServerName, OtherServer>>
  /** The configuration file. */
  readonly file: string
  /** For the operator's commands. */
  readonly environment: NodeJS.ProcessEnv
  /** What the proxy has logged. */
  log(): string
  /** Lets the proxy read its file again. */
  reload(): void
  close(): Promise<void>
}

export interface ProxyExampleOptions {
  /** Where the credentials are kept. */
  readonly environment: NodeJS.ProcessEnv
  readonly ports?: Ports
}

/** Starts it all. The proxy itself is the command that operators run. */
export async function startProxyExample(options: ProxyExampleOptions): Promise<ProxyExample> {
  const { ports = { server: 0, tickets: 0, identity: 0 } } = options
  const folder = mkdtempSync(join(tmpdir(), 'proxy-example-'))
  const port = ports.server === 0 ? await freePort() : ports.server
  const url = `http://localhost:${port}`
  const services = { support: await startTicketService(ports.tickets), facilities: await startTicketService() }
  const servers = {
    support: await startOtherServer('Support', services.support.origin),
    facilities: await startOtherServer('Facilities', services.facilities.origin),
  }
  const identityProvider = await startIdentityProvider({
    port: ports.identity,
    resource: url,
    clients: [browserClient(FORM_CLIENT_ID, [`${url}/credentials/callback`])],
  })
  const file = join(folder, 'proxy.yaml')
  writeFileSync(
    file,
    ['upstreams:', entry('support', servers, services), entry('facilities', servers, services)].join('\n'),
  )
  const environment: NodeJS.ProcessEnv = {
    ...options.environment,
    MCP_SERVER_BASE_URL: url,
    MCP_OIDC_ISSUER: identityProvider.issuer,
    MCP_OIDC_CLIENT_ID: FORM_CLIENT_ID,
    MCP_OIDC_AUDIENCE: url,
    MCP_OIDC_SCOPES: 'mcp',
    MCP_LOG_FORMAT: 'text',
  }
  for (const name of ['support', 'facilities'] as const)
    await operatorCommand(['proxy', 'snapshot', file, name], {
      environment,
      input: await newTokenAt(services[name], 'Alice'),
    })
  const { child, log } = await startCommand(['proxy', file, '--port', String(port)], environment, url)
  return {
    ...{ url, identityProvider, services, servers, file, environment, log },
    reload: () => void child.kill('SIGHUP'),
    async close() {
      const ended = child.exitCode === null ? once(child, 'exit') : undefined
      child.kill('SIGTERM')
      await ended
      await Promise.all([servers.support.close(), servers.facilities.close(), identityProvider.close()])
      await Promise.all([services.support.close(), services.facilities.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function entry(name: ServerName, servers: ProxyExample['servers'], services: ProxyExample['services']): string {
  const label = name === 'support' ? 'Support' : 'Facilities'
  return `  ${name}:
    url: ${servers[name].url}
    label: ${label}
    credential:
      variables:
        pat: { label: Personal access token, type: password, hint: Starts with tkt_. }
      doc: |
        1. Open [${label}](${services[name].origin}/) in another tab.
        2. Press **New token** for yourself.
        3. Paste the token here.
    headers:
      Authorization: Bearer {pat}
    tools:
      deny: [delete_*]
`
}

/** The account's token from before ends. */
export async function newTokenAt({ origin }: Pick<TicketService, 'origin'>, user: string): Promise<string> {
  const browser = httpBrowser()
  const made = await browser.press(await browser.open(`${origin}/`), `New token for ${user}`)
  return /tkt_[A-Za-z0-9_-]{32}/.exec(made.html)?.[0] ?? ''
}

async function startCommand(words: readonly string[], env: NodeJS.ProcessEnv, url: string) {
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  process.once('exit', () => void child.kill('SIGKILL'))
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => {
        output += chunk
        if (output.includes(`Serving ${url}/`)) resolve()
      })
    child.once('exit', () => reject(new Error(`The proxy did not start:\n${output}`)))
  })
  return { child, log: () => output }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
