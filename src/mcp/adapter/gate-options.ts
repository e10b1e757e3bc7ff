import { z } from 'zod'
import { type GatedProvider, providerOfAccount } from '../../core/gate/gated-provider.ts'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'

/** Options of a gate, whichever SDK calls it. `A` is the type of the tool's arguments. */
export interface AnyGateOptions<A> {
  /**
   * Which of the provider's `accounts` the call needs: its name, or a function of the handler's first parameter, the tool's arguments, which
   * returns undefined for the account without a name. `getCredentials(extra)` then returns that one. Default: the account without a name.
   */
  readonly account?: string | ((args: A) => string | undefined | Promise<string | undefined>)
  /** Answers immediately with the link instead of waiting for the user: to a client of MCP 2025-11-25 as JSON-RPC error -32042. Default false. */
  readonly failFast?: boolean
  /**
   * Run the handler once more, from the top, after the service rejected the credential and its owner entered another one. False for a handler
   * that may have changed something by then: its own answer is returned, and the next call asks the owner. Default true.
   */
  readonly retry?: boolean
  /** Name of the tool for the form and the audit log, 1 to 128 characters. */
  readonly tool?: string
}

/** Options of a gate in front of a prompt or a resource. `A` is the type of the handler's first parameter. */
export interface NamedGateOptions<A> extends Omit<AnyGateOptions<A>, 'tool'> {
  /** Name of the prompt or resource for the form and the audit log, 1 to 128 characters. */
  readonly name?: string
}

/** Options of a gate in front of a completion, which neither asks nor waits. */
export interface CompletionGateOptions extends Pick<AnyGateOptions<string>, 'account' | 'retry'> {
  /** Name of the completion for the audit log, 1 to 128 characters. */
  readonly name?: string
}

const nameOption = z.string().min(1).max(128).optional()
const shared = {
  account: z
    .custom<AnyGateOptions<unknown>['account']>(
      (value) => typeof value === 'string' || typeof value === 'function',
      'must be the name of an account, or a function that returns one',
    )
    .optional(),
  failFast: z.boolean().default(false),
  retry: z.boolean().default(true),
}

export const anyGateOptions = { ...shared, tool: nameOption } satisfies OptionSchemas<AnyGateOptions<unknown>>
export const namedGateOptions = { ...shared, name: nameOption } satisfies OptionSchemas<NamedGateOptions<unknown>>
export const completionGateOptions = z.strictObject({
  account: shared.account,
  retry: shared.retry,
  name: nameOption,
} satisfies OptionSchemas<CompletionGateOptions>)

/** What `requireCredentials` is given after the provider. */
export type GateArguments<O, H> = readonly [H] | readonly [O, H]

/** The options of any kind of gate, after the check. A kind has no more of them than its own. */
export interface CheckedOptions {
  readonly failFast?: boolean
  readonly strict?: boolean
  readonly retry: boolean
  readonly tool?: string | undefined
  readonly name?: string | undefined
}

/** What a gate knows before its first call. */
export interface CheckedGate<S, H> {
  readonly checked: S
  readonly account: string | ((first: never) => string | undefined | Promise<string | undefined>) | undefined
  readonly handler: H
}

/**
 * Checks what `requireCredentials`, or one of its methods, is given.
 *
 * @param caller how the application calls it
 * @throws `configuration_invalid` for an option that is wrong, or an account that the provider does not declare
 */
export function checkGate<S extends z.ZodType, O extends Pick<AnyGateOptions<never>, 'account'>, H>(
  schema: S,
  provider: GatedProvider,
  rest: GateArguments<O, H>,
  caller = 'requireCredentials',
): CheckedGate<z.output<S>, H> {
  const [options, handler] = rest.length === 1 ? [undefined, rest[0]] : rest
  const checked = parseOptions(schema, options ?? {}, caller)
  if (typeof handler !== 'function') throw new TypeError(`${caller} takes a provider, options if any, and a handler`)
  // A name that is not declared is found when the server starts, not at the first call.
  if (typeof options?.account === 'string') providerOfAccount(provider, options.account)
  return { checked, account: options?.account, handler }
}
