import { expect, test } from 'vitest'
import type { GatedProvider } from '../../src/core/gate/gated-provider.ts'
import { gatedCall, type SdkCalls } from '../../src/mcp/adapter/gated-call.ts'

test("a call without the SDK's own extra is rejected, and throws nothing at its caller", async () => {
  const sdk: Partial<SdkCalls<object>> = {
    extraOf: () => {
      throw new TypeError('no extra')
    },
  }
  const gate = { checked: { retry: true }, account: undefined, handler: () => 'run' }
  const pass = gatedCall(sdk as SdkCalls<object>, 'tool', {} as GatedProvider, gate)
  await expect(pass([{}])).rejects.toThrow('no extra')
})
