import type { GatedProvider } from '../../core/gate/gated-provider.ts'
import type { CompletionContext } from './completion-extra.ts'
import type { CompletionGateOptions, NamedGateOptions } from './gate-options.ts'

export type Handler<P extends readonly unknown[], A> = (...parameters: P) => A | Promise<A>

/**
 * Wraps the handler of a prompt or a resource so that it runs only once the caller's own credential is stored. `M` has the parameters that
 * an SDK passes, `A` is what the handler answers, `S` what an SDK adds to the options. `D` is assumed for an inline handler whose parameters
 * TypeScript cannot infer.
 */
export interface RequireFor<M extends readonly unknown[], A, S = unknown, D extends M = M> {
  <P extends M = D>(provider: GatedProvider, handler: Handler<P, A>): (...parameters: P) => Promise<A>
  <P extends M = D>(
    provider: GatedProvider,
    options: NamedGateOptions<P[0]> & S,
    handler: Handler<P, A>,
  ): (...parameters: P) => Promise<A>
}

/** Completes a value. `context` is what the client sent with it, undefined if it sent none. `E` is the SDK's `extra`. */
export type Completer<V extends string, E> = (
  value: V,
  context: CompletionContext | undefined,
  extra: E,
) => V[] | Promise<V[]>

/** A low-level `Server` passes its `extra` as well. An `McpServer` passes only value and context. */
export type GatedCompleter<V extends string, E> = (value: V, context?: CompletionContext, extra?: E) => Promise<V[]>

/** Wraps a completer so that it runs if the caller's own credential is stored, and otherwise completes to nothing. */
export interface RequireForCompletion<E> {
  <V extends string>(provider: GatedProvider, handler: Completer<V, E>): GatedCompleter<V, E>
  <V extends string>(
    provider: GatedProvider,
    options: CompletionGateOptions,
    handler: Completer<V, E>,
  ): GatedCompleter<V, E>
}
