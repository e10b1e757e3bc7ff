import { z } from 'zod'
import { isCallState, stateBinding } from '../../core/gate/call-state.ts'
import type { User } from '../../core/model/owner.ts'
import { askedFor, namedAs } from '../relay/gated-request.ts'
import type { ProxyRoute } from '../session/proxy-route.ts'
import type { Request } from '../upstream/message.ts'

/** What a leg at an upstream leaves to the next. It travels through the client, sealed: it is the upstream's, or names what waits there. */
export type LegState = { readonly upstream: string } | { readonly held: string }

const stateSchema = z.union([z.strictObject({ upstream: z.string() }), z.strictObject({ held: z.string() })])

/** Tells these states from the gate's. */
const PREFIX = 'mcvp1.'
/** An upstream's own states live as long as it says, and no longer than this. */
const LIFE_MILLISECONDS = 60 * 60_000

/** The call that a state belongs to: of this user, by this client, at this upstream, for the same with the same arguments. */
export interface LegCall {
  readonly route: ProxyRoute
  readonly user: User
  readonly message: Request
}

export function sealLegState(call: LegCall, state: LegState): string {
  const calls = call.route.provider.repeatedCalls()
  return PREFIX + calls.seal(state, Date.now() + LIFE_MILLISECONDS, bindingOf(call))
}

/**
 * Opens the state that a client sent back. Returns `none` for a state of the gate, also for what only looks like one, and `invalid` for
 * everything that was not sealed for this very call, or has lapsed.
 */
export function openLegState(call: LegCall): LegState | 'none' | 'invalid' {
  const given = call.message.params?.['requestState']
  if (given === undefined || isCallState(given)) return 'none'
  if (typeof given !== 'string' || !given.startsWith(PREFIX)) return 'invalid'
  const opened = call.route.provider.repeatedCalls().open(given.slice(PREFIX.length), bindingOf(call))
  return stateSchema.safeParse(opened).data ?? 'invalid'
}

function bindingOf({ route, user, message }: LegCall): string {
  return `state at an upstream: ${stateBinding({ user, ...namedAs(message) }, askedFor(route, message))}`
}
