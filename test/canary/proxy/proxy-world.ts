import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Middleware } from 'koa'
import { pino } from 'pino'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import type { ProxyConfig } from '../../../src/proxy/config/upstream-options.ts'
import { createProxy } from '../../../src/server/proxy/index.ts'
import { call } from '../../../src/testing/secret-backend/calls.ts'
import { fillIn, type Harness, startHarness } from '../../harness/mcp-harness.ts'
import { type TestTelemetry, testTelemetry } from '../../harness/telemetry.ts'
import { type CanaryClient, connectClient } from '../mcp-client.ts'
import { type CanarySet, canarySet } from '../secrets.ts'
import { createTrace, type Trace } from '../trace.ts'
import { type LeakyServer, startLeakyServer } from './leaky-server.ts'

export type User = 'alice' | 'bob'
export type UpstreamName = 'http' | 'stdio' | 'file' | 'silent' | 'missing'

/** The proxy with a server over HTTP and servers over stdio that do everything wrong with the secrets that they are given. */
export interface ProxyWorld {
  readonly trace: Trace
  readonly harness: Harness
  readonly telemetry: TestTelemetry
  readonly leaky: LeakyServer
  readonly secrets: Readonly<Record<User, CanarySet>>
  /** Holds everything that children and the proxy write, but the credential files. */
  readonly root: string
  /** Everything that was thrown at a client. */
  readonly errors: unknown[]
  /** Calls a tool in a session of its own, which stays open until the flow has been searched. */
  call(user: User, upstream: UpstreamName, tool: string): Promise<string>
  /** Rotates, revokes or offboards, as an operator. */
  change(user: User, how: 'revoke' | 'offboard', upstream: UpstreamName): Promise<void>
  /** Process ids of children that were given the user's secrets. */
  childrenOf(user: User): ReadonlySet<number>
  reset(): Promise<void>
  close(): Promise<void>
}

const FIELDS = ['long', 'pem', 'quotes', 'html', 'percent', 'backslash'] as const

export async function openProxyWorld(): Promise<ProxyWorld> {
  const trace = createTrace()
  const root = mkdtempSync(join(tmpdir(), 'canary-proxy-'))
  // The one place where secrets may be, beside the environment of their child.
  const secretsFolder = mkdtempSync(join(tmpdir(), 'canary-proxy-files-'))
  mkdirSync(join(root, 'children'))
  const leaky = await startLeakyServer()
  const telemetry = testTelemetry()
  const logger = pino({ level: 'trace' }, { write: (line) => trace.add('log', line) })
  const config: ProxyConfig = {
    upstreams: upstreamsOf(leaky.url),
    children: { folder: join(root, 'children'), secretsFolder, max: 1_000, maxPerOwner: 500 },
  }
  const harness = await startHarness({
    telemetry: telemetry.options,
    logger,
    serve: ({ vault }) => createProxy(vault, config, { logger }) as Middleware,
  })
  const secrets = { alice: canarySet(), bob: canarySet() }
  const errors: unknown[] = []
  let clients: CanaryClient[] = []

  async function connect(user: User, upstream: UpstreamName): Promise<CanaryClient> {
    const token = await harness.identityProvider.issueAccessToken(user, { expiresIn: 7_200 })
    const client = await connectClient(trace, `${harness.baseUrl}/${upstream}/mcp`, token, { urlMode: true })
    client.onLink = async (link) => {
      const values = Object.fromEntries(FIELDS.map((field) => [field, secrets[user].of(field)]))
      const { status } = await fillIn(link, user, values)
      if (status >= 400) throw new Error(`The form was answered with ${status}.`)
      return 'accept' as const
    }
    clients.push(client)
    return client
  }

  return {
    ...{ trace, harness, telemetry, leaky, secrets, root, errors },

    async call(user, upstream, tool) {
      const client = await connect(user, upstream)
      try {
        return (await client.call(tool)).text
      } catch (error) {
        errors.push(error)
        return error instanceof Error ? error.message : 'not an error'
      }
    },

    async change(user, how, upstream) {
      if (how === 'offboard') await harness.vault.offboard(harness.owner(user))
      else
        await harness.backend.revoke(
          storageKey(upstream, harness.owner(user)),
          { expect: 'any', purge: false, operationId: 'revoked-by-the-canary' },
          call(),
        )
    },

    childrenOf(user) {
      const lines = harness.audit.events.filter(
        ({ type, owner }) => type === 'credential.injected' && owner?.subject === user,
      )
      return new Set(lines.map(({ pid }) => pid ?? 0))
    },

    async reset() {
      for (const { client } of clients) await client.close()
      clients = []
      leaky.behaviour = 'well'
      for (const user of ['alice', 'bob'])
        for (const upstream of Object.keys(config.upstreams)) await harness.forget(user, upstream)
    },

    async close() {
      for (const { client } of clients) await client.close()
      await harness.close()
      await leaky.close()
      await telemetry.close()
      for (const folder of [root, secretsFolder]) rmSync(folder, { recursive: true, force: true })
    },
  }
}

function upstreamsOf(url: string): ProxyConfig['upstreams'] {
  const variables = Object.fromEntries(
    FIELDS.map((field) => [field, { label: field, type: field === 'pem' ? 'textarea' : 'password' } as const]),
  )
  const common = { credential: { variables }, catalogue: 'user' as const }
  const child = {
    command: [process.execPath, join(import.meta.dirname, 'leaky-child.mjs')],
    ...common,
  }
  const env = { LONG: '{long}', QUOTES: 'a {quotes} b', HTML: '{html}', PERCENT: '{percent}', BACKSLASH: '{backslash}' }
  return {
    http: {
      url,
      ...common,
      headers: {
        Authorization: 'Bearer {long}',
        'X-Quotes': '{quotes}',
        'X-Markup': '{html}',
        'X-Percent': '{percent} {backslash}',
      },
    },
    stdio: { ...child, env },
    file: { ...child, files: { KEY_FILE: { contents: '{pem}\n{long} {quotes} {html} {percent} {backslash}' } } },
    silent: { ...child, command: [...child.command, 'silent'], env, startDeadlineSeconds: 1 },
    missing: { ...child, command: [join(import.meta.dirname, 'there-is-no-such-program')], env },
  }
}
