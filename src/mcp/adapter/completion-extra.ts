/** What a client sends with a value to complete. */
export interface CompletionContext {
  readonly arguments?: Record<string, string> | undefined
}

/** The part of a `completion/complete` request that a completer is given. */
interface CompletionRequest {
  readonly params: { readonly context?: CompletionContext | undefined }
}

interface Carried {
  readonly extra: unknown
  readonly context: CompletionContext | undefined
}

// By the very object that a completer is given as its context: an ungated one finds nothing in it, and JSON from a client is never it, so
// no client can name the user of a completion.
const carriedWith = new WeakMap<CompletionContext, Carried>()

/**
 * Returns the handler of `completion/complete` so that its completers find the request's own `extra`. The SDKs pass a completer no more
 * than the value and the context.
 */
export function carryingExtra<R extends CompletionRequest, E, T>(
  handler: (request: R, extra: E) => T,
): (request: R, extra: E) => T {
  return (request, extra) => {
    // A second gate of the same server has put it there already.
    const { context } = carriedBy(request.params.context)
    // An object also where the client sent none, because it has to belong to this request alone.
    const given: CompletionContext = { ...context }
    carriedWith.set(given, { extra, context })
    return handler({ ...request, params: { ...request.params, context: given } }, extra)
  }
}

/** Returns what the client sent as the context, and the `extra` that came with it, if any. */
export function carriedBy(context: CompletionContext | undefined): Carried {
  return (context && carriedWith.get(context)) ?? { extra: undefined, context }
}
