import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js'
import type { GatedCall, GatedProvider } from '../../core/gated-provider.ts'
import { gateTexts } from '../gate-texts.ts'
import { guardExtra } from './guard-extra.ts'
import { toolError } from './tool-error.ts'
import type { ToolExtra, ToolHandler } from './tool-handler.ts'

export interface GuardedRun<P extends readonly unknown[]> {
  readonly provider: GatedProvider
  readonly call: GatedCall
  readonly parameters: P
  readonly extra: ToolExtra
  readonly handler: ToolHandler<P>
  /** How many progress notifications the wait has sent; the handler's own go on from there. */
  readonly heartbeats: number
}

/** Runs the handler with the credential at hand, and withholds whatever it answers, throws or sends that contains the secret. */
export async function runGuarded<P extends readonly unknown[]>(run: GuardedRun<P>): Promise<CallToolResult> {
  const { provider, call, parameters, extra, handler, heartbeats } = run
  return provider.run(call, async (echo) => {
    const report = () => provider.reportEcho(call)
    const withheld = async () => {
      await report()
      return toolError(gateTexts.withheld(provider.label))
    }
    const guarded = [...parameters.slice(0, -1), guardExtra(extra, { echo, report, heartbeats })] as unknown as P
    try {
      const result = await handler(...guarded)
      return echo.finds(result) ? await withheld() : result
    } catch (error) {
      if (echo.finds(error)) return withheld()
      throw error
    }
  })
}
