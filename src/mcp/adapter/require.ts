import type { z } from 'zod'
import type { GateOutcome } from '../../core/gate/gate.ts'
import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import type { Completers } from './completers.ts'
import { carriedBy } from './completion-extra.ts'
import {
  type CheckedOptions,
  type CompletionGateOptions,
  checkGate,
  completionGateOptions,
  type GateArguments,
  type NamedGateOptions,
} from './gate-options.ts'
import { gatedCall, type SdkCalls } from './gated-call.ts'
import type { Completer, GatedCompleter, Handler, RequireFor, RequireForCompletion } from './gated-handlers.ts'

/** One kind of handler, as an SDK gates it. */
export interface GatedKind<A> {
  readonly kind: 'prompt' | 'resource'
  readonly options: z.ZodType<CheckedOptions>
  /** Translates the outcome of a call into what the SDK answers. */
  readonly answer: (outcome: GateOutcome<A>) => A
}

/** Makes `requireCredentials.prompt` or `requireCredentials.resource`. */
export function requireFor<E, M extends readonly unknown[], A, S>(
  sdk: SdkCalls<E>,
  { kind, options, answer }: GatedKind<A>,
): RequireFor<M, A, S> {
  return <P extends M>(
    provider: GatedProvider,
    ...rest: GateArguments<NamedGateOptions<P[0]> & S, Handler<P, A>>
  ): ((...parameters: P) => Promise<A>) => {
    const pass = gatedCall<E, A>(sdk, kind, provider, checkGate(options, provider, rest, `requireCredentials.${kind}`))
    return async (...parameters) => answer(await pass(parameters))
  }
}

/** Makes `requireCredentials.completion`. Whatever keeps a completer from its answer, except an error of its own, completes to nothing. */
export function requireForCompletion<E>(sdk: SdkCalls<E>, completers: Completers): RequireForCompletion<E> {
  return <V extends string>(
    provider: GatedProvider,
    ...rest: GateArguments<CompletionGateOptions, Completer<V, E>>
  ): GatedCompleter<V, E> => {
    completers.check()
    const gate = checkGate(completionGateOptions, provider, rest, 'requireCredentials.completion')
    const pass = gatedCall<E, V[]>(sdk, 'completion', provider, gate)
    return async (value, context, extra) => {
      const carried = carriedBy(context)
      const outcome = await pass([value, carried.context, extra ?? carried.extra])
      return outcome.kind === 'result' ? outcome.result : []
    }
  }
}
