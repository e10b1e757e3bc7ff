import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { CredentialHandle } from '../../src/core/credentials/credential-handle.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import { put } from '../../src/testing/secret-backend/calls.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { type Harness, jiraVariables, startHarness, type TestClient } from '../harness/mcp-harness.ts'
import { rejectionOf, thrownError } from '../harness/thrown-error.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

type Handle = CredentialHandle<typeof jiraVariables>

/** What the tool `probe` does in its next call. */
let probe: (handle: Handle, extra: ToolExtra) => unknown

let harness: Harness
let alice: TestClient
beforeAll(async () => {
  harness = await startHarness({
    tools(server, gate, { jira }) {
      server.registerTool(
        'probe',
        {},
        gate(jira, async (extra: ToolExtra) => {
          const outcome = await probe(jira.getCredentials(extra) as Handle, extra)
          return typeof outcome === 'object' && outcome !== null
            ? (outcome as { content: [] })
            : { content: [{ type: 'text' as const, text: String(outcome) }] }
        }),
      )
    },
  })
  await put(harness.backend, storageKey('jira', harness.owner('alice')), { pat: SECRET })
  alice = await harness.connect('alice')
})
afterAll(() => harness.close())

async function run(next: typeof probe): Promise<{ text: string; isError: boolean }> {
  probe = next
  return alice.text('probe')
}

describe('a handle', () => {
  test('shows no value, however it is printed', async () => {
    const shown: string[] = []
    await run((handle) => {
      shown.push(
        inspect(handle, { depth: 9, showHidden: true }),
        JSON.stringify(handle),
        String(handle),
        JSON.stringify({ ...handle }),
      )
      return 'ok'
    })
    expect(shown).toHaveLength(4)
    expect(shown.join('\n')).not.toContain(SECRET)
    expect(shown[0]).toBe("CredentialHandle { provider: 'jira' }")
  })

  test('ends with its call', async () => {
    let kept: Handle | undefined
    await run((handle) => {
      kept = handle
      return 'ok'
    })
    expect(await rejectionOf(Promise.resolve(kept?.use(() => 1)))).toMatchObject({ code: 'call_ended' })
  })

  test('is not to be had outside a gated handler', () => {
    const extra = { signal: new AbortController().signal, requestId: 1 }
    const refused = { code: 'configuration_invalid', reason: 'call_unknown' }
    expect(thrownError(() => harness.jira.getCredentials(extra))).toMatchObject(refused)
    // From JavaScript, as the ancestor's users write it.
    const ambient = harness.jira.getCredentials.bind(harness.jira) as () => unknown
    expect(thrownError(ambient)).toMatchObject({
      ...refused,
      message: expect.stringContaining('getCredentials(extra)'),
    })
  })

  test('goes nowhere without declared destinations', async () => {
    const { text } = await run((handle) =>
      handle.fetch('https://jira.example.com/').catch((error: { code: string }) => error.code),
    )
    expect(text).toBe('destination_refused')
  })
})

describe('a reference', () => {
  test('resolves during its call, for its owner and provider alone', async () => {
    const gitlab = new CredentialsProvider({ vault: harness.vault, name: 'gitlab', variables: jiraVariables })
    const codes: unknown[] = []
    const { text } = await run(async (handle) => {
      const { reference } = handle
      for (const attempt of [
        () => harness.jira.resolve(reference, harness.owner('bob')),
        () => harness.jira.resolve(reference, { ...harness.owner('alice'), issuer: 'https://other.example.com' }),
        () => gitlab.resolve(reference, harness.owner('alice')),
        () => harness.jira.resolve(`${reference.slice(0, -2)}AA`, harness.owner('alice')),
        () => harness.jira.resolve('', harness.owner('alice')),
      ]) {
        codes.push(thrownError(attempt).code)
      }
      return harness.jira.resolve(reference, harness.owner('alice')).use(({ pat }) => pat.length)
    })
    expect(text).toBe(String(SECRET.length))
    expect(new Set(codes)).toEqual(new Set(['reference_invalid']))
  })

  test('ends with its call, unless the provider lets it live longer', async () => {
    let reference = ''
    await run((handle) => {
      reference = handle.reference
      return 'ok'
    })
    expect(thrownError(() => harness.jira.resolve(reference, harness.owner('alice')))).toMatchObject({
      code: 'reference_invalid',
    })
  })

  test('of a provider with referenceTtlSeconds outlives its call and then expires', async () => {
    let reference = ''
    const lasting = await startHarness({
      jira: { referenceTtlSeconds: 60 },
      tools: (server, gate, { jira }) =>
        void server.registerTool(
          'keep',
          {},
          gate(jira, async (extra) => {
            reference = jira.getCredentials(extra).reference
            return { content: [] }
          }),
        ),
    })
    try {
      const owner = lasting.owner('alice')
      await put(lasting.backend, storageKey('jira', owner), { pat: SECRET })
      await (await lasting.connect('alice')).call('keep')
      const handle = lasting.jira.resolve(reference, owner)
      expect(await handle.use(({ pat }) => pat)).toBe(SECRET)
      expect(lasting.audit.events.at(-1)).toMatchObject({ type: 'credential.resolved', owner })
      vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
      expect(thrownError(() => lasting.jira.resolve(reference, owner))).toMatchObject({ code: 'reference_invalid' })
      expect(await rejectionOf(handle.use(() => 1))).toMatchObject({ code: 'call_ended' })
    } finally {
      vi.useRealTimers()
      await lasting.close()
    }
  })
})

describe('a tool result that contains the secret', () => {
  const withheld = { text: expect.stringContaining('was withheld'), isError: true }

  test.each([
    ['raw', (pat: string) => pat],
    ['inside other words', (pat: string) => `token=${pat}; next`],
    ['as base64', (pat: string) => Buffer.from(`user:${pat}`).toString('base64')],
    ['as hex', (pat: string) => Buffer.from(pat).toString('hex')],
    ['percent-encoded', (pat: string) => [...Buffer.from(pat)].map((byte) => `%${byte.toString(16)}`).join('')],
    ['reversed', (pat: string) => [...pat].reverse().join('')],
  ])('%s is withheld and audited', async (_, encode) => {
    const before = harness.audit.events.length
    const answer = await run((handle) => handle.use(({ pat }) => encode(pat)))
    expect(answer).toEqual(withheld)
    expect(JSON.stringify(answer)).not.toContain(SECRET)
    expect(harness.audit.events.slice(before).map((event) => event.type)).toContain('credential.echoed')
  })

  test('split over two blocks, or in structuredContent, is withheld', async () => {
    const split = await run((handle) =>
      handle.use(({ pat }) => ({ content: [pat.slice(0, 9), pat.slice(9)].map((text) => ({ type: 'text', text })) })),
    )
    expect(split).toEqual(withheld)
    const structured = await run((handle) =>
      handle.use(({ pat }) => ({ content: [], structuredContent: { deep: [{ pat }] } })),
    )
    expect(structured).toEqual(withheld)
  })

  test('thrown is withheld', async () => {
    const answer = await run((handle) =>
      handle.use(({ pat }) => {
        throw new Error(`401 for ${pat}`)
      }),
    )
    expect(answer).toEqual(withheld)
  })

  test('in a progress message is not sent', async () => {
    const { text } = await run((handle, extra) =>
      handle.use(({ pat }) =>
        extra
          .sendNotification({
            method: 'notifications/progress',
            params: { progressToken: 1, progress: 1, message: pat },
          } as never)
          .catch((error: { code: string }) => error.code),
      ),
    )
    expect(text).toBe('secret_echoed')
  })

  test('other errors reach the client as they are', async () => {
    expect(
      await run(() => {
        throw new Error('Jira answered 500')
      }),
    ).toEqual({ text: 'Jira answered 500', isError: true })
  })
})
