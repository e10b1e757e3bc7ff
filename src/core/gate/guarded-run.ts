import type { EchoSource } from '../echo-guard/echo-guard.ts'
import { jsonSnapshot } from '../echo-guard/json-snapshot.ts'
import { pinThrown } from '../echo-guard/thrown.ts'
import { allDone } from '../host/all-done.ts'
import type { GatedCall } from './gated-call.ts'
import type { GatedProvider } from './gated-provider.ts'
import type { ToolCall } from './tool-call.ts'

export interface GuardedRun<R> {
  readonly provider: Pick<GatedProvider, 'run' | 'reportEcho' | 'label'>
  readonly call: GatedCall
  readonly toolCall: ToolCall
  readonly handler: GuardedHandler<R>
}

/** Runs with the call as it is behind the gate. `report` records that a message was withheld, and whose secrets it contained. */
export type GuardedHandler<R> = (report: EchoReport, toolCall: ToolCall) => Promise<R>

export type EchoReport = (sources: readonly EchoSource[]) => Promise<void>

/** `withheld` has what users call the services whose secrets were found. */
export type GuardedEnd<R> = { readonly result: R } | { readonly withheld: readonly string[] }

/**
 * Runs the handler. Resolves to its answer, or to `withheld` if the answer or a thrown error contains a secret of the call.
 */
export async function runGuarded<R>({ provider, call, toolCall, handler }: GuardedRun<R>): Promise<GuardedEnd<R>> {
  const { guard } = toolCall
  const report: EchoReport = async (sources) => {
    if (sources.length === 0) return provider.reportEcho(call)
    await allDone(sources.map((source) => source.report()))
  }
  const withheld = async (sources: readonly EchoSource[]) => {
    await report(sources)
    return { withheld: sources.length === 0 ? [provider.label] : sources.map(({ label }) => label) }
  }
  return provider.run(call, toolCall, async (inside = toolCall) => {
    try {
      const answered = await handler(report, inside)
      // Nothing was released, so there is nothing to search for.
      if (guard.isEmpty()) return { result: answered }
      const result = jsonSnapshot(answered)
      const found = guard.sourcesIn(result)
      return found ? await withheld(found) : { result }
    } catch (error) {
      if (guard.isEmpty()) throw error
      const thrown = pinThrown(error)
      const found = guard.sourcesIn([thrown, String(thrown)])
      if (found) return withheld(found)
      throw thrown
    }
  })
}
