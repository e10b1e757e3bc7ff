import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ComposeProject, composeProject, readCompose } from '../harness/deploy/compose-project.ts'
import { type DockerCommand, dockerCommand } from '../harness/deploy/docker-command.ts'
import { freePort } from '../harness/free-port.ts'
import {
  browserClient,
  startIdentityProvider,
  type TestIdentityProvider,
} from '../harness/identity/identity-provider.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { blocksOf, shell } from '../harness/processes/run-page-commands.ts'

const PAGE = 'docs/deployment.md'
const SECRET = 'tok-5c1e8a90b7d24f36'
/** Stands for an operator's module: its tool needs no service. */
const TOOLS = `
import { CredentialsProvider } from 'mcp-credential-vault'
import { credentialGate } from 'mcp-credential-vault/mcp/sdk-v1'
export default (server, vault) => {
  const jira = new CredentialsProvider({ vault, name: 'jira', variables: { pat: { label: 'Token', type: 'password' } } })
  server.registerTool('length', {}, credentialGate(server)(jira, { tool: 'length' }, async (extra) => ({
    content: [{ type: 'text', text: String(await jira.getCredentials(extra).use(({ pat }) => pat.length)) }],
  })))
}
`
const former = getGlobalDispatcher()
let project: ComposeProject
let docker: DockerCommand
let provider: TestIdentityProvider

/** Runs commands of the page in the set-up's folder, as printed but for a clone's paths and root's rights. */
async function follow(script: string, environment: NodeJS.ProcessEnv = {}): Promise<void> {
  expect(script).not.toBe('')
  const own = script
    .replace(/^cd .*$/m, '')
    .replace(/^cp \.env\.example .*$/m, '')
    .replaceAll(/sudo (-E )?/g, '')
  const run = shell(own, project.folder, { PATH: `${docker.folder}:${process.env['PATH']}:/usr/sbin`, ...environment })
  expect(await run.ended, `${own}\n${run.output()}\n${logs()}`).toBe(0)
}

const logs = () =>
  Object.keys(project.services)
    .map((name) => `== ${name}\n${project.output(name).slice(-1500)}`)
    .join('\n')
const inFolder = (path: string) => join(project.folder, path)
const [prepare = '', configure = '', update = ''] = blocksOf(PAGE, 'Compose')
const [backUp = '', restore = ''] = blocksOf(PAGE, 'Back up and restore')

beforeAll(async () => {
  const port = await freePort()
  project = await composeProject({
    MCP_OIDC_ISSUER: `http://127.0.0.1:${port}`,
    MCP_OIDC_CLIENT_ID: 'form',
    MCP_OIDC_SCOPES: 'mcp',
  })
  provider = await startIdentityProvider({
    port,
    resource: `${project.baseUrl}/mcp`,
    clients: [browserClient('form', [`${project.baseUrl}/credentials/callback`])],
  })
  mkdirSync(inFolder('tools'))
  writeFileSync(inFolder('tools/tools.mjs'), TOOLS)
  docker = await dockerCommand(project)
})

afterAll(async () => {
  setGlobalDispatcher(former)
  await docker?.close()
  await project?.remove()
  await provider?.close()
})

const problems: string[] = []

/** A client of this user, and the links that it was asked to open. */
async function connect(user: string, onLink: (link: string) => Promise<unknown>) {
  const client = new Client({ name: 'Test Client', version: '1.0.0' }, { capabilities: { elicitation: { url: {} } } })
  client.setRequestHandler(ElicitRequestSchema, async ({ params }) => {
    if (params.mode !== 'url') throw new Error('asked in form mode')
    // The call goes on waiting meanwhile. What goes wrong on the pages is told by its answer.
    onLink(params.url).catch((error) => problems.push(String(error)))
    return { action: 'accept' }
  })
  const authorization = `Bearer ${await provider.issueAccessToken(user)}`
  const transport = new StreamableHTTPClientTransport(new URL(`${project.baseUrl}/mcp`), {
    requestInit: { headers: { authorization } },
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}

async function lengthOf(client: Client): Promise<unknown> {
  const { content } = await client.callTool({ name: 'length', arguments: {} })
  expect(problems, logs()).toEqual([])
  return content
}

/** Servers that answered requests for a path, from nginx's log. */
function upstreamsOf(path: RegExp): Set<string> {
  const lines = project
    .output('nginx')
    .split('\n')
    .map((line) => line.split(' '))
  return new Set(lines.filter(([, , , uri = '']) => path.test(uri)).map((words) => words[5] ?? ''))
}

test('the commands of the page start every part from the files of deploy/compose, and doctor is content', async () => {
  await follow(prepare)
  await follow(configure)
  // Made once: a second run replaces nothing.
  const keys = [
    'secrets/server/web.key',
    'secrets/ca/key.pem',
    'secrets/redis/key.pem',
    'secrets/server/redis-password',
  ]
  const before = keys.map((name) => readFileSync(inFolder(name), 'utf8'))
  await follow('set -a; . ./.env; set +a; sh set-up.sh')
  expect(keys.map((name) => readFileSync(inFolder(name), 'utf8'))).toEqual(before)
  for (const name of keys) expect(statSync(inFolder(name)).mode & 0o077, name).toBe(0)
  setGlobalDispatcher(new Agent({ connect: { ca: readFileSync(inFolder('secrets/ca/cert.pem'), 'utf8') } }))
})

test('a call waits on one server while its form is filled in on any, and no link is in the log', async () => {
  const links: string[] = []
  const alice = await connect('alice', async (link) => {
    links.push(link)
    await fillIn(link, 'alice', { pat: SECRET })
  })
  expect(await lengthOf(alice)).toEqual([{ type: 'text', text: String(SECRET.length) }])
  await alice.close()
  expect(links).toHaveLength(1)
  expect(upstreamsOf(/^\/mcp$/).size).toBe(1)
  expect(upstreamsOf(/^\/credentials/).size).toBe(2)
  const handle = new URL(links[0] ?? '').searchParams.get('t') ?? 'none'
  for (const service of Object.keys(project.services)) {
    expect(project.output(service)).not.toContain(handle)
    expect(project.output(service)).not.toContain(SECRET)
  }
})

test('what is inside stays inside: health, other paths, and the parts without TLS or a password', async () => {
  for (const path of ['/health', '/healthz', '/readyz', '/metrics', '/', '/mcp/more', '/credentials-of'])
    expect((await fetch(`${project.baseUrl}${path}`)).status, path).toBe(404)
  const metadata = await fetch(`${project.baseUrl}/.well-known/oauth-protected-resource/mcp`)
  expect(await metadata.json()).toMatchObject({ resource: `${project.baseUrl}/mcp` })
  const page = await fetch(`${project.baseUrl}/credentials`)
  expect(page.headers.get('referrer-policy')).toBe('same-origin')
  for (const address of ['redis:6379', 'openbao:8200']) {
    const plain = await fetch(`http://127.0.0.1:${project.ports.get(address)}/`).then(
      ({ status }) => status,
      () => 0,
    )
    expect([0, 400], address).toContain(plain)
  }
})

test('one server after the other is updated while users go on', async () => {
  const [first, second] = ['server-1', 'server-2']
  for (const server of [first, second]) {
    await project.stop(server)
    const bob = await connect('bob', (link) => fillIn(link, 'bob', { pat: 'bobs-token-7d1f' }))
    expect(await lengthOf(bob)).toEqual([{ type: 'text', text: '15' }])
    await bob.close()
    await follow(update)
  }
  await expect.poll(() => [first, second].map((server) => project.isRunning(server))).toEqual([true, true])
})

test('what was backed up is there again after the loss of OpenBao', async () => {
  const lines = readFileSync(inFolder('openbao-keys.txt'), 'utf8')
  const printed = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(lines)?.[1] ?? ''
  await follow(backUp, { BAO_TOKEN: printed('Initial Root Token') })
  expect(execFileSync('tar', ['-tzf', inFolder('backup.tar.gz')], { encoding: 'utf8' })).toContain(
    'secrets/server/web.key',
  )
  await project.stop('openbao')
  for (const name of readdirSync(inFolder('data/openbao')).filter((name) => name !== 'backup.snap'))
    rmSync(inFolder(`data/openbao/${name}`), { recursive: true })
  await follow('docker compose up --detach openbao')
  await follow(prepare.slice(prepare.indexOf('docker compose exec')))
  await follow(configure.slice(0, configure.indexOf('sudo')))
  const token = /^Initial Root Token: (.*)$/m.exec(readFileSync(inFolder('openbao-keys.txt'), 'utf8'))?.[1] ?? ''
  await follow(restore, { BAO_TOKEN: token, OLD_UNSEAL_KEY: printed('Unseal Key 1') })
  const alice = await connect('alice', () => Promise.reject(new Error('asked again')))
  expect(await lengthOf(alice)).toEqual([{ type: 'text', text: String(SECRET.length) }])
  await alice.close()
})

test("the file has no name that Compose doesn't know, and every container is confined", async () => {
  for (const [name, service] of Object.entries(project.services)) {
    expect(service, name).toMatchObject({
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    if (service.build === undefined) expect(service.user, name).toMatch(/^100\d\d:100\d\d$/)
    for (const { source, type } of service.volumes)
      expect([type, source.startsWith(project.folder)], name).toEqual(['bind', true])
    const published = service.ports?.length ?? 0
    expect(published, name).toBe(name === 'nginx' ? 1 : 0)
  }
  const path = inFolder('compose.yaml')
  writeFileSync(path, readFileSync(path, 'utf8').replace('cap_drop', 'cap_dropp'))
  await expect(readCompose(project.folder)).rejects.toThrow('cap_dropp')
})
