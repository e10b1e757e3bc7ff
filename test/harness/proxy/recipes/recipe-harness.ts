import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js'
import type { Middleware } from 'koa'
import type { UpstreamOptions } from '../../../../src/proxy/config/upstream-options.ts'
import { createProxy, type ProxyConfig, readProxyConfig } from '../../../../src/server/proxy/index.ts'
import { freePort } from '../../free-port.ts'
import {
  type ConnectOptions,
  connectClient,
  fillIn,
  type Harness,
  startHarness,
  type TestClient,
} from '../../mcp-harness.ts'
import { startPublishedServer } from './published-server.ts'
import { recipeBlocks } from './recipe-page.ts'

/** A recipe of docs/proxy-recipes.md with its published server, whose service is a stand-in. */
export interface RecipeHarness {
  readonly harness: Harness
  /** What the server has printed, and what the operator was told. */
  printed(): string
  /** A client that fills in the form with these values as soon as it is asked, and the links that it was sent. */
  connect(user: string, values: Readonly<Record<string, string>>): Promise<RecipeClient>
  /** A client that gets the link as text. */
  connectSilent(user: string): Promise<RecipeClient>
  close(): Promise<void>
}

export interface RecipeClient extends TestClient {
  /** Calls the tool and returns its answer as text. */
  answer(tool: string, parameters?: object): Promise<string>
}

export interface RecipeOptions {
  /** Of the page's section. */
  readonly heading: string
  /** What stands in the page and is elsewhere here, such as the origin of the service. */
  readonly replaced: Readonly<Record<string, string>>
}

/** Starts the section's command, if it has one, and a proxy with its YAML. */
export async function startRecipe({ heading, replaced }: RecipeOptions): Promise<RecipeHarness> {
  const [script] = await recipeBlocks(heading, 'sh')
  const [yaml = ''] = await recipeBlocks(heading, 'yaml')
  const [, place = '', port = '', path = ''] = /url: (http:\/\/127\.0\.0\.1:(\d+))(\S*)/.exec(yaml) ?? []
  const ownPort = String(await freePort())
  const here = (text: string) =>
    Object.entries(replaced).reduce((done, [there, own]) => done.replaceAll(there, own), text)
  const url = place.replace(port, ownPort) + path
  const server =
    script === undefined
      ? undefined
      : await startPublishedServer(here(script).replaceAll(new RegExp(`\\b${port}\\b`, 'g'), ownPort), url)
  const folder = mkdtempSync(join(tmpdir(), 'recipe-'))
  const file = join(folder, 'proxy.yaml')
  writeFileSync(file, here(place === '' ? yaml : yaml.replaceAll(place + path, url)))
  const config = withoutSnapshots(readProxyConfig(file))
  const [name = ''] = Object.keys(config.upstreams)
  const lines: string[] = []
  const note = (_fields: object, message: string) => void lines.push(message)
  const logger = { debug: note, info: note, warn: note, error: note }
  const harness = await startHarness({
    // A recipe may have the name of the harness's own provider.
    jira: { name: 'unused' },
    serve: ({ vault }) => createProxy(vault, config, { logger }) as Middleware,
  }).catch(async (error: unknown) => {
    await server?.close()
    throw error
  })
  const clients: TestClient[] = []

  async function connect(user: string, options: ConnectOptions): Promise<RecipeClient> {
    const token = await harness.identityProvider.issueAccessToken(user)
    const client = await connectClient(`${harness.baseUrl}/${name}/mcp`, token, options)
    clients.push(client)
    const answer = async (tool: string, parameters: object = {}) => {
      const called = await client.client.callTool({ name: tool, arguments: { ...parameters } })
      return JSON.stringify(CallToolResultSchema.parse(called).content)
    }
    return { ...client, answer }
  }

  return {
    harness,
    printed: () => [server?.output() ?? '', ...lines].join('\n'),
    connectSilent: (user) => connect(user, {}),
    connect: (user, values) =>
      connect(user, {
        onLink: async (link) => {
          await fillIn(link, user, values)
          return 'accept' as const
        },
      }),
    async close() {
      await Promise.all(clients.map(({ client }) => client.close()))
      await harness.close()
      await server?.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Each user sees their own lists: these tests are about calls. */
function withoutSnapshots(config: ProxyConfig): ProxyConfig {
  const upstreams = Object.entries(config.upstreams).map(
    ([name, { snapshot: _, ...upstream }]): [string, UpstreamOptions] => [name, { ...upstream, catalogue: 'user' }],
  )
  return { ...config, upstreams: Object.fromEntries(upstreams) }
}
