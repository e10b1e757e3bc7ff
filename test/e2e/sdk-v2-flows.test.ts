import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest'
import { CredentialsProvider } from '../../src/index.ts'
import type { ToolExtra } from '../../src/mcp/sdk-v2/index.ts'
import { redisConnection } from '../../src/redis/connection/redis-connection.ts'
import { redisBrowserSessions } from '../../src/redis/redis-browser-sessions.ts'
import { redisChangeFeed } from '../../src/redis/redis-change-feed.ts'
import { redisPendingStore } from '../../src/redis/redis-pending-store.ts'
import { fillIn } from '../harness/mcp-harness.ts'
import { type RedisNode, startRedisNode } from '../harness/redis/redis-server.ts'
import { ACCEPTED, type HarnessV2, KEY, rawLeg, startHarnessV2 } from '../harness/sdk-v2.ts'

const GOOD = 'tok-3f9d2c71e8b04a56'
const BAD = 'tok-that-was-deleted'
const variables = { pat: { label: 'Token', type: 'password' } } as const

let redis: RedisNode
let harness: HarnessV2
beforeAll(async () => {
  redis = await startRedisNode({ config: [] })
  let other: CredentialsProvider<typeof variables, 'work'> | undefined
  harness = await startHarnessV2({
    shared() {
      const connection = redisConnection({ url: `redis://127.0.0.1:${redis.port}` })
      return {
        pendingStore: redisPendingStore({ redis: connection }),
        browserSessions: redisBrowserSessions({ redis: connection }),
        changeFeed: redisChangeFeed({ redis: connection }),
      }
    },
    tools(server, gate, { jira, vault }) {
      other ??= new CredentialsProvider({ vault, name: 'wiki', variables, accounts: ['work'] })
      const wiki = other
      server.registerTool(
        'check',
        {},
        gate(jira, async (extra: ToolExtra) => {
          const credentials = jira.getCredentials(extra)
          if (await credentials.use(({ pat }) => pat === BAD)) await credentials.reject({ status: 401 })
          return { content: [{ type: 'text', text: 'checked' }] }
        }),
      )
      server.registerTool(
        'both',
        {},
        gate(
          jira,
          gate(wiki, async (extra: ToolExtra) => {
            const lengths = [jira, wiki].map((one) => one.getCredentials(extra).use(({ pat }) => String(pat).length))
            return { content: [{ type: 'text', text: (await Promise.all(lengths)).join(' and ') }] }
          }),
        ),
      )
      server.registerTool(
        'chosen',
        {},
        gate(wiki, async (extra: ToolExtra) => {
          const work = wiki.getCredentials(extra, { account: 'work' })
          return { content: [{ type: 'text', text: `${await work.use(({ pat }) => pat.length)} at work` }] }
        }),
      )
    },
  })
  const pagesWiki = new CredentialsProvider({ vault: harness.pages, name: 'wiki', variables, accounts: ['work'] })
  await pagesWiki.ready()
})
afterEach(async () => {
  for (const provider of ['jira', 'wiki', 'wiki@work']) await harness.forget('alice', provider)
})
afterAll(async () => {
  await harness.close()
  await redis.stop()
})

/** A client whose user fills in each form with the next of these values. */
async function clientWho(...values: string[]) {
  return harness.connectV2('alice', {
    async onLink(link): Promise<'accept'> {
      await fillIn(link, 'alice', { pat: values.shift() ?? GOOD })
      return 'accept'
    },
  })
}

test('a credential that the service rejects is asked for again in the same call', async () => {
  const alice = await clientWho(BAD, GOOD)
  expect(await alice.text('check')).toEqual({ text: 'checked', isError: false })
  expect(alice.messages).toEqual([expect.stringContaining('enter your own'), expect.stringContaining('rejected')])
})

test('a gate inside another asks for its own credential, each once', async () => {
  const alice = await clientWho(GOOD, 'short')
  expect(await alice.text('both')).toEqual({ text: `${GOOD.length} and 5`, isError: false })
  expect(alice.links.map((link) => new URL(link).pathname)).toEqual([
    '/credentials/jira/entry',
    '/credentials/wiki/entry',
  ])
})

test('an account that only the handler chooses is asked for once', async () => {
  const alice = await clientWho(GOOD, 'short')
  expect(await alice.text('chosen')).toEqual({ text: '5 at work', isError: false })
  expect(alice.links).toHaveLength(2)
  expect(new Set(alice.links).size).toBe(2)
})

test('two processes take turns with the legs of one call, with one prompt and one line', async () => {
  const app = new Koa()
  // As a proxy in front of replicas does, each request names the one address.
  app.use((ctx, next) => {
    ctx.req.headers.host = new URL(harness.baseUrl).host
    return next()
  })
  app.use(harness.serve({ vault: harness.pages, jira: harness.pagesJira }))
  const second = createServer(app.callback())
  await new Promise<void>((resolve) => second.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void second.close())
  const urls = [`${harness.baseUrl}/mcp`, `http://localhost:${(second.address() as AddressInfo).port}/mcp`]
  const [here = '', there = ''] = urls
  const token = await harness.identityProvider.issueAccessToken('alice')
  const before = harness.audit.events.length

  const fast = { tool: 'fail_fast' }
  const asked = await rawLeg(here, token, fast)
  const first = await rawLeg(there, token, {
    ...fast,
    requestState: asked.result?.requestState,
    inputResponses: ACCEPTED,
  })
  expect(first).toMatchObject({ status: 200, result: { resultType: 'input_required' } })
  expect(first.result?.inputRequests).toBeUndefined()
  await fillIn(asked.result?.inputRequests?.[KEY]?.params.url ?? '', 'alice', { pat: GOOD })
  for (const url of urls) {
    const { result } = await rawLeg(url, token, { ...fast, requestState: first.result?.requestState })
    expect(result?.content?.[0]?.text).toContain(`${GOOD.length} characters`)
  }
  const requested = harness.audit.events.slice(before).filter(({ type }) => type === 'credential.requested')
  expect(requested).toHaveLength(1)
})
