import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLeakDetector } from '../../../src/core/echo-guard/cross-user-leak-detector.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'

// What the watch takes has to be bounded by what it looks at (64 kB), not by what a tool answers. Lists of this length overflow the
// stack in `push(...)`; the error is swallowed before the time is charged, so that each call does it anew.
const LENGTH = 200_000
const CALLS = 5

test('an answer with a very long list is not read to its end, at each call anew', async () => {
  const watch = createLeakDetector({ note: async () => undefined, health: createHealth(() => undefined) })
  const key = storageKey('jira', { issuer: 'https://id.example.com', subject: 'alice' })
  let reads = 0
  for (let call = 0; call < CALLS; call += 1) {
    const list = new Proxy(Array<number>(LENGTH).fill(1), {
      get(target, name) {
        reads += 1
        return Reflect.get(target, name)
      },
    })
    watch.answered({ key, context: () => ({ correlationId: 'test' }), result: { list }, clientArguments: {} })
    await nextTurn()
  }
  expect(reads).toBeLessThan(2 * 65_536)
})
