import { ElicitRequestSchema, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Harness, type HarnessOptions, startHarness } from '../harness/mcp-harness.ts'
import { startHarnessV2 } from '../harness/sdk-v2.ts'

/** What SEP-1036 (MCP 2025-11-25) asks of questions in URL mode, seen as a client of SDK 1.x receives them. */

const SERVERS: Readonly<Record<string, (options?: Pick<HarnessOptions, 'linkTtlSeconds'>) => Promise<Harness>>> = {
  'SDK 1.x': startHarness,
  'SDK 2.x': startHarnessV2,
}

describe.each(Object.keys(SERVERS))('a server of %s', (name) => {
  let harness: Harness
  beforeAll(async () => {
    harness = await (SERVERS[name] as typeof startHarness)()
  })
  afterAll(() => harness.close())

  /** The link leads to this server, and says nothing of its user. */
  const expectLink = (url: string) => {
    const { origin, pathname, searchParams } = new URL(url)
    expect([origin, pathname, [...searchParams.keys()]]).toEqual([harness.baseUrl, '/credentials/jira/entry', ['t']])
    expect(searchParams.get('t')).toMatch(/^[A-Za-z0-9_-]{43}$/)
  }

  test('asks with URL mode, a message, a valid URL and an id of its own for each question', async () => {
    const asked: Record<string, unknown>[] = []
    const alice = await harness.connect('alice', { onLink: () => 'decline' })
    alice.client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
      asked.push(params)
      return { action: 'decline' }
    })
    await alice.call()
    await alice.call()
    for (const question of asked) {
      expect(question).toEqual({
        ...('_meta' in question && { _meta: question['_meta'] }),
        mode: 'url',
        message: expect.stringMatching(/\w/),
        url: expect.any(String),
        elicitationId: expect.stringMatching(/^[\w-]{16,}$/),
      })
      expectLink(String(question['url']))
    }
    expect(new Set(asked.map(({ elicitationId }) => elicitationId)).size).toBe(2)
  })

  test('lists in error -32042 what is required: questions of URL mode, each with its id', async () => {
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const error: unknown = await alice.call('fail_fast').catch((thrown: unknown) => thrown)
    if (!(error instanceof UrlElicitationRequiredError)) throw new Error(`not -32042: ${String(error)}`)
    expect(error.code).toBe(-32_042)
    expect(error.elicitations).toEqual([
      {
        mode: 'url',
        message: expect.stringMatching(/\w/),
        url: expect.any(String),
        elicitationId: expect.stringMatching(/^[\w-]{16,}$/),
      },
    ])
    expectLink(error.elicitations[0]?.url ?? '')
  })
})
