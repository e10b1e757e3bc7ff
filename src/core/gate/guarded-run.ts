import { jsonSnapshot } from '../echo-guard/json-snapshot.ts'
import { pinThrown } from '../echo-guard/thrown.ts'
import type { GatedCall } from './gated-call.ts'
import type { GatedProvider } from './gated-provider.ts'
import type { ToolCall } from './tool-call.ts'

export interface GuardedRun<R> {
  readonly provider: Pick<GatedProvider, 'run' | 'reportEcho'>
  readonly call: GatedCall
  readonly toolCall: ToolCall
  /** `report` records withheld messages while the handler runs. */
  readonly handler: (report: () => Promise<void>) => Promise<R>
}

/**
 * Runs the handler. Resolves to its answer, or to `'withheld'` if the answer or a thrown error contains a secret of the call.
 */
export async function runGuarded<R>({
  provider,
  call,
  toolCall,
  handler,
}: GuardedRun<R>): Promise<{ readonly result: R } | 'withheld'> {
  const { guard } = toolCall
  return provider.run(call, toolCall, async () => {
    const report = () => provider.reportEcho(call)
    const withheld = async () => {
      await report()
      return 'withheld' as const
    }
    try {
      const answered = await handler(report)
      // Nothing was released, so there is nothing to search for.
      if (guard.isEmpty()) return { result: answered }
      const result = jsonSnapshot(answered)
      return guard.finds(result) ? await withheld() : { result }
    } catch (error) {
      if (guard.isEmpty()) throw error
      const thrown = pinThrown(error)
      if (guard.finds([thrown, String(thrown)])) return withheld()
      throw thrown
    }
  })
}
