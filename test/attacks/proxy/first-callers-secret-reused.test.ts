import { afterAll, beforeAll, expect, test } from 'vitest'
import { startProxyHarness, type TOKENS } from '../../harness/proxy/proxy-harness.ts'
import { CALL, openRawClient } from '../../harness/proxy/raw-client.ts'
import { startStdioProxy } from '../../harness/proxy/stdio-proxy.ts'

type User = keyof typeof TOKENS

/** What a proxy over either transport has in common. */
interface AnyProxy {
  readonly url: string
  readonly harness: Awaited<ReturnType<typeof startProxyHarness>>['harness']
  connectAndFill(user: User): Promise<{ text(tool: string): Promise<unknown> }>
  close(): Promise<void>
}

const users: readonly User[] = ['alice', 'bob', 'bob', 'alice', 'bob', 'alice', 'alice', 'bob']

describeBoth('over HTTP', () => startProxyHarness())
describeBoth('over stdio', () => startStdioProxy())

function describeBoth(how: string, start: () => Promise<AnyProxy>): void {
  let proxy: AnyProxy
  let tokens: Record<User, string>

  beforeAll(async () => {
    proxy = await start()
    for (const user of ['alice', 'bob'] as const) await (await proxy.connectAndFill(user)).text('who_am_i')
    const { identityProvider } = proxy.harness
    tokens = {
      alice: await identityProvider.issueAccessToken('alice'),
      bob: await identityProvider.issueAccessToken('bob'),
    }
  })
  afterAll(() => proxy.close())

  test(`${how}: first calls at the same time, with the same ids, each act as their caller`, async () => {
    const clients = await Promise.all(users.map((user) => openRawClient(proxy.url, tokens[user])))
    // Every first call opens a session at the upstream, or starts a child.
    const answers = await Promise.all(clients.map((client) => client.send({ body: CALL })))
    expect(answers.map(({ text }) => /You are (\w+)/.exec(text)?.[1])).toEqual(users)
    const again = await Promise.all(clients.map((client) => client.send({ body: CALL })))
    expect(again.map(({ text }) => /You are (\w+)/.exec(text)?.[1])).toEqual(users)
  })
}
