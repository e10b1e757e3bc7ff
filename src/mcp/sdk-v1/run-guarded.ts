import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import { jsonSnapshot } from '../../core/echo-guard/json-snapshot.ts'
import { pinThrown } from '../../core/echo-guard/thrown.ts'
import { gateTexts } from '../../core/gate/gate-texts.ts'
import type { GatedCall } from '../../core/gate/gated-call.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import type { ToolCall } from '../../core/gate/tool-call.ts'
import { guardExtra } from './guard-extra.ts'
import { toolError } from './tool-error.ts'
import type { ToolExtra, ToolHandler, ToolParameters } from './tool-handler.ts'

export interface GuardedRun<P extends ToolParameters> {
  readonly provider: GatedProvider
  readonly call: GatedCall
  readonly toolCall: ToolCall
  readonly parameters: P
  readonly extra: ToolExtra
  readonly handler: ToolHandler<P>
}

/** Runs the handler with the credential at hand, and withholds whatever it answers, throws or sends that contains a secret of the call. */
export async function runGuarded<P extends ToolParameters>(run: GuardedRun<P>): Promise<CallToolResult> {
  const { provider, call, toolCall, parameters, extra, handler } = run
  const { guard } = toolCall
  return provider.run(call, toolCall, async () => {
    const report = () => provider.reportEcho(call)
    const withheld = async () => {
      await report()
      return toolError(gateTexts.withheld(provider.label))
    }
    const guarded = [...parameters.slice(0, -1), guardExtra(extra, toolCall, report)] as unknown as P
    try {
      const answered = await handler(...guarded)
      // Nothing was released, so there is nothing to look for.
      if (guard.isEmpty()) return answered
      const result = jsonSnapshot(answered)
      return guard.finds(result) ? await withheld() : result
    } catch (error) {
      if (guard.isEmpty()) throw error
      const thrown = pinThrown(error)
      if (guard.finds([thrown, String(thrown)])) return withheld()
      throw thrown
    }
  })
}
