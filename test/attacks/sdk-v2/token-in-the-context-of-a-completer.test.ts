import { inspect } from 'node:util'
import { completable } from '@modelcontextprotocol/server'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { COMPLETES } from '../../harness/gated-kinds.ts'
import { startHarnessV2 } from '../../harness/sdk-v2.ts'

// An ungated completer of the same server logs the context that its client sent. The SDK gives it nothing else.
test("a completer's context shows no access token when it is printed", async () => {
  const seen: unknown[] = []
  const harness = await startHarnessV2({
    tools(server) {
      const how = completable(z.string(), (_value, context) => {
        seen.push(context)
        return ['one']
      })
      server.registerPrompt('note', { argsSchema: z.object({ how }) }, async () => ({ messages: [] }))
    },
  })
  onTestFinished(() => harness.close())
  const alice = await harness.connectV2('alice')
  expect(await COMPLETES['prompt']?.(alice.client as never)).toEqual(['one'])
  expect.soft(inspect(seen, { depth: null })).not.toContain(alice.token)
  expect.soft(Reflect.ownKeys((seen[0] ?? {}) as object)).toEqual([])
})
