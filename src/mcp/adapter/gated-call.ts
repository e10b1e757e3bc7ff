import type { ClientPort, OpenQuestions } from '../../core/gate/client-port.ts'
import type { CompletionNotices } from '../../core/gate/completion-notices.ts'
import { type GateOutcome, passGate } from '../../core/gate/gate.ts'
import type { CallKind } from '../../core/gate/gated-call.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import type { EchoReport } from '../../core/gate/guarded-run.ts'
import { callOf, createToolCall, type ToolCall } from '../../core/gate/tool-call.ts'
import type { CheckedGate, CheckedOptions } from './gate-options.ts'
import type { Handler } from './gated-handlers.ts'

/** What one SDK knows of a call by its `extra`. */
export interface SdkCalls<E> {
  /** Returns what was given after checking that it is the SDK's own `extra`. */
  readonly extraOf: (given: unknown) => E
  /** What the client sent, if a handler is given something else. Default: what comes before `extra`. */
  readonly requestOf?: (extra: E) => unknown
  readonly clientOf: (extra: E) => ClientPort
  readonly authInfoOf: (extra: E) => unknown
  /** The name of what the client calls, where the request proves it. */
  readonly nameOf: (extra: E, kind: CallKind) => string | undefined
  readonly guarded: (extra: E, inside: ToolCall, report: EchoReport) => E
  readonly notices: CompletionNotices
  readonly questions: OpenQuestions
}

/** Returns a function that passes one call, given the parameters that the SDK calls a handler with: `extra` is the last one. */
export function gatedCall<E, A>(
  sdk: SdkCalls<E>,
  kind: CallKind,
  provider: GatedProvider,
  { checked, account, handler }: CheckedGate<CheckedOptions, Handler<never, A>>,
): (parameters: readonly unknown[]) => Promise<GateOutcome<A>> {
  const { failFast = false, strict = false, retry } = checked
  const run = handler as Handler<unknown[], A>
  const pass = (parameters: readonly unknown[]) => {
    const extra = sdk.extraOf(parameters.at(-1))
    const before = parameters.slice(0, -1)
    const toolCall = callOf(extra) ?? createToolCall(sdk.requestOf?.(extra) ?? before)
    return passGate<A>({
      kind,
      provider,
      failFast,
      strict,
      retry,
      toolCall,
      account: typeof account === 'function' ? () => account(parameters[0] as never) : account,
      tool: checked.tool ?? checked.name ?? sdk.nameOf(extra, kind),
      client: sdk.clientOf(extra),
      notices: sdk.notices,
      questions: sdk.questions,
      authInfo: sdk.authInfoOf(extra),
      handler: async (report, inside) => run(...before, sdk.guarded(extra, inside, report)),
    })
  }
  // Not async, so that nothing more is suspended while the call waits.
  return (parameters) => {
    try {
      return pass(parameters)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
