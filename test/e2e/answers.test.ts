import { UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { fillIn, type Harness, linkIn, startHarness, type TestClient } from '../harness/mcp-harness.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = { text: `a secret of ${SECRET.length} characters`, isError: false }
const fill = (link: string) => fillIn(link, 'alice', { pat: SECRET })

async function urlRequired(client: TestClient, tool: string): Promise<UrlElicitationRequiredError> {
  const error = await client.call(tool).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UrlElicitationRequiredError)
  return error as UrlElicitationRequiredError
}

describe('a sessionful mount', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness()
  })
  afterEach(() => harness.forget('alice'))
  afterAll(() => harness.close())

  test('a client without URL mode is answered in words, and nothing else is sent to it', async () => {
    const alice = await harness.connect('alice')
    const { text, isError } = await alice.text()
    expect(isError).toBe(true)
    expect(text).toContain('ask me again')
    await fill(linkIn(text))
    expect(await alice.text()).toEqual(ANSWER)
  })

  test('failFast answers with -32042, and words with the link in its message', async () => {
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const error = await urlRequired(alice, 'fail_fast')
    expect(error.code).toBe(-32042)
    const [elicitation] = error.elicitations
    expect(elicitation).toMatchObject({ mode: 'url' })
    expect(linkIn(error.message)).toBe(elicitation?.url)
    expect(alice.links).toEqual([])
  })

  test('after failFast the saved form is reported to the client that asked, and to no other', async () => {
    const alice = await harness.connect('alice', { onLink: () => 'accept', clientId: 'a' })
    const other = await harness.connect('alice', { onLink: () => 'accept', clientId: 'b' })
    const error = await urlRequired(alice, 'fail_fast')
    const [elicitation] = error.elicitations
    await fill(elicitation?.url ?? '')
    await expect.poll(() => alice.completed).toEqual([elicitation?.elicitationId])
    expect(other.completed).toEqual([])
    expect(await alice.text('fail_fast')).toEqual(ANSWER)
  })

  test('failFast to a client without URL mode is words', async () => {
    const alice = await harness.connect('alice')
    expect(linkIn((await alice.text('fail_fast')).text)).not.toBe('')
  })

  test('tools without the gate ask nobody', async () => {
    expect(await (await harness.connect('alice')).text('open')).toEqual({ text: 'open to all', isError: false })
  })

  test("a session belongs to its owner's tokens: with another user's it is not found", async () => {
    const alice = await harness.connect('alice')
    const { sessionId } = alice.client.transport ?? {}
    const answer = await fetch(`${harness.baseUrl}/mcp`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await harness.identityProvider.issueAccessToken('bob')}`,
        'mcp-session-id': sessionId ?? '',
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
    })
    expect(sessionId).toMatch(/^[0-9a-f-]{36}$/)
    expect(answer.status).toBe(404)
    expect(await answer.text()).not.toContain('alice')
  })

  test.each([
    ['no body of JSON', { 'content-type': 'text/plain' }, '{}', 415],
    ['a body that is no JSON', { 'content-type': 'application/json' }, '{', 400],
    [
      'a body over the limit',
      { 'content-type': 'application/json' },
      JSON.stringify({ filler: 'x'.repeat(4_200_000) }),
      413,
    ],
    [
      'no session and no initialize',
      { 'content-type': 'application/json' },
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      400,
    ],
  ])('%s is refused', async (_, headers, body, status) => {
    const authorization = `Bearer ${await harness.identityProvider.issueAccessToken('alice')}`
    const answer = await fetch(`${harness.baseUrl}/mcp`, {
      method: 'POST',
      headers: { ...headers, authorization },
      body,
    })
    expect(answer.status).toBe(status)
  })
})

describe('a stateless mount', () => {
  let harness: Harness
  beforeAll(async () => {
    harness = await startHarness({ mount: { mode: 'stateless' } })
  })
  afterAll(() => harness.close())

  test('answers every gated call with -32042 and the link, and runs it once the form is saved', async () => {
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const error = await urlRequired(alice, 'read_secret')
    expect(alice.links).toEqual([])
    await fill(error.elicitations[0]?.url ?? '')
    expect(await alice.text()).toEqual(ANSWER)
  })

  test('does not offer GET or DELETE', async () => {
    const authorization = `Bearer ${await harness.identityProvider.issueAccessToken('alice')}`
    const answer = await fetch(`${harness.baseUrl}/mcp`, { headers: { authorization, accept: 'text/event-stream' } })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
  })
})

test('an outage of the backend is told as such, and asks nobody for a new credential', async () => {
  const down = async () => {
    throw new CredentialVaultError('unavailable', 'The store does not answer.', { reason: 'timeout', retryable: true })
  }
  const harness = await startHarness({ backend: { ...memoryBackend(), stat: down, read: down } })
  try {
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const { text, isError } = await alice.text()
    expect(isError).toBe(true)
    expect(text).toContain('cannot be reached right now')
    expect([linkIn(text), alice.links]).toEqual(['', []])
  } finally {
    await harness.close()
  }
})

test.each([
  ['forbidden', 'is not allowed to use'],
  ['record_tampered', 'a problem on this server'],
  ['owner_unknown', 'who is calling'],
] as const)('%s is told apart from an outage, without the words meant for operators', async (code, words) => {
  const refuse = async () => {
    throw new CredentialVaultError(code, 'See /var/lib/vault/records/0a1.')
  }
  const harness = await startHarness({ backend: { ...memoryBackend(), stat: refuse } })
  try {
    const { text, isError } = await (await harness.connect('alice')).text()
    expect(isError).toBe(true)
    expect(text).toContain(words)
    expect(text).not.toContain('/var/lib')
  } finally {
    await harness.close()
  }
})

test('two providers on one app: one sign-in, each asked for once, both handed to the handler', async () => {
  const harness = await startHarness({
    tools(server, gate, { jira, vault }) {
      const gitlab = new CredentialsProvider({
        vault,
        name: 'gitlab',
        variables: { key: { label: 'API key', type: 'password' } },
      })
      server.registerTool(
        'copy',
        {},
        gate(
          jira,
          gate(gitlab, async (extra) => {
            const lengths = await jira
              .getCredentials(extra)
              .use(({ pat }) => gitlab.getCredentials(extra).use(({ key }) => [pat?.length, key?.length]))
            return { content: [{ type: 'text', text: lengths.join(' and ') }] }
          }),
        ),
      )
    },
  })
  try {
    const filling: Promise<unknown>[] = []
    const alice = await harness.connect('alice', {
      onLink: (link) => {
        filling.push(fillIn(link, 'alice', link.includes('/gitlab/') ? { key: 'glpat-0123456789' } : { pat: SECRET }))
        return 'accept'
      },
    })
    expect(await alice.text('copy')).toEqual({ text: `${SECRET.length} and 16`, isError: false })
    await Promise.all(filling)
    expect(alice.links.map((link) => link.split('/')[4])).toEqual(['jira', 'gitlab'])
  } finally {
    await harness.close()
  }
})
