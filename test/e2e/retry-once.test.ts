import { type CallToolResult, UrlElicitationRequiredError } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { fillIn, type Harness, startHarness, type TestClient } from '../harness/mcp-harness.ts'
import { type HarnessV2, startHarnessV2 } from '../harness/sdk-v2.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'
const ANSWER = { content: [{ text: `a secret of ${SECRET.length} characters` }] }

let first: Harness
let stateless: Harness
let second: HarnessV2
beforeAll(async () => {
  first = await startHarness()
  stateless = await startHarness({ mount: { mode: 'stateless' } })
  second = await startHarnessV2()
})
afterEach(async () => {
  for (const harness of [first, stateless, second]) await harness.forget('alice')
})
afterAll(async () => {
  for (const harness of [first, stateless, second]) await harness.close()
})

interface Shown {
  readonly url: string
  readonly elicitationId: string
}

/**
 * Calls as VS Code does: it shows the link of error -32042, waits until the form is reported done or its user presses the button that says so,
 * then retries once and no more.
 */
async function likeVsCode(
  { call }: TestClient,
  tool: string,
  show: (shown: Shown) => Promise<void>,
): Promise<Attempts> {
  const shown: Shown[] = []
  const attempt = async (allowRetry: boolean): Promise<CallToolResult | UrlElicitationRequiredError> => {
    try {
      return await call(tool)
    } catch (error) {
      if (!(error instanceof UrlElicitationRequiredError)) throw error
      for (const { url, elicitationId } of error.elicitations) {
        shown.push({ url, elicitationId })
        if (allowRetry) await show({ url, elicitationId })
      }
      return allowRetry ? attempt(false) : error
    }
  }
  return { end: await attempt(true), shown }
}

interface Attempts {
  readonly end: CallToolResult | UrlElicitationRequiredError
  readonly shown: readonly Shown[]
}

const SIDES: Readonly<Record<string, readonly [() => Harness, string, boolean]>> = {
  'a session of SDK 1.x': [() => first, 'fail_fast', true],
  'a session of SDK 2.x': [() => second, 'fail_fast', true],
  'a stateless mount': [() => stateless, 'read_secret', false],
}
const connect = (harness: Harness) => harness.connect('alice', { onLink: () => 'accept' })

test.each(Object.entries(SIDES))('%s: the one retry, after the save, runs', async (_, [side, tool, notifies]) => {
  const client = await connect(side())
  const { end, shown } = await likeVsCode(client, tool, async ({ url, elicitationId }) => {
    await fillIn(url, 'alice', { pat: SECRET })
    if (notifies) await expect.poll(() => client.completed).toContain(elicitationId)
  })
  expect(end).toMatchObject(ANSWER)
  expect(shown).toHaveLength(1)
})

test.each(Object.entries(SIDES))('%s: a retry before the save ends with the same link', async (_, [side, tool]) => {
  const client = await connect(side())
  const { end, shown } = await likeVsCode(client, tool, async () => undefined)
  expect(end).toBeInstanceOf(UrlElicitationRequiredError)
  expect(shown).toHaveLength(2)
  expect(new Set(shown.map(({ url }) => url)).size).toBe(1)
  expect((end as Error).message).toContain(shown[0]?.url)
  await fillIn(shown[0]?.url ?? '', 'alice', { pat: SECRET })
  expect(await client.call(tool)).toMatchObject(ANSWER)
})
