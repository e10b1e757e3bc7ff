import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { Agent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { type ComposeProject, composeProject, readCompose } from '../harness/deploy/compose-project.ts'
import { type DockerCommand, dockerCommand } from '../harness/deploy/docker-command.ts'
import type { KubernetesObject } from '../harness/deploy/deploy-tools.ts'
import { freePort } from '../harness/free-port.ts'
import { browserClient, startIdentityProvider, type TestIdentityProvider } from '../harness/identity/identity-provider.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { type Shell, blocksOf, runShell } from '../harness/processes/run-page-commands.ts'

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
const shells: Shell[] = []

/** Runs the page's commands in the set-up's folder. */
async function follow(heading: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const script = blocksOf(PAGE, heading).join('')
  expect(script, heading).not.toBe('')
  // Everything but the paths of a clone and a root's rights is as printed.
  const own = script.replace(/^cd deploy\/compose$/m, '').replace(/^cp \.env\.example \.env.*$/m, '').replaceAll('sudo ', '')
  const run = runShell(own, project.folder, { PATH: `${docker.folder}:${process.env['PATH']}:/usr/sbin`, ...environment })
  shells.push(run)
  expect(await run.ended, `${heading}:\n${run.output()}\n${logs()}`).toBe(0)
  return run.output()
}

const logs = () => Object.keys(project.services).map((name) => `== ${name}\n${project.output(name).slice(-1500)}`).join('\n')

beforeAll(async () => {
  const settings = { MCP_OIDC_CLIENT_ID: 'form', MCP_OIDC_SCOPES: 'mcp' }
  const port = await freePort()
  project = await composeProject({ ...settings, MCP_OIDC_ISSUER: `http://127.0.0.1:${port}` })
  provider = await startIdentityProvider({
    port,
    resource: `${project.baseUrl}/mcp`,
    clients: [browserClient('form', [`${project.baseUrl}/credentials/callback`])],
  })
  writeFileSync(join(project.folder, 'tools.mjs'), TOOLS)
  docker = await dockerCommand(project)
}, 60_000)

afterAll(async () => {
  setGlobalDispatcher(former)
  await docker?.close()
  await project?.remove()
  await provider?.close()
})
