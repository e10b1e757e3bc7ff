import type { GatedCall } from '../../core/gate/gated-call.ts'
import { type GuardedHandler, runGuarded } from '../../core/gate/guarded-run.ts'
import { createToolCall, markCall, type ToolCall } from '../../core/gate/tool-call.ts'
import { newCorrelationId } from '../../core/model/correlation-id.ts'
import type { CredentialState } from '../../core/model/credential-state.ts'
import type { ProxyProvider } from '../session/proxy-route.ts'
import type { CredentialCall } from '../upstream/upstream.ts'

/** What a piece of work may do with the credential, and how it reports a secret that must not reach the client. */
export interface CallInside {
  readonly call: CredentialCall
  readonly guard: ToolCall['guard']
  readonly report: Parameters<GuardedHandler<unknown>>[0]
  /** Whether the credential is still in use. The backend is asked once a second at the most; an outage changes nothing. */
  readonly isStillConnected: () => Promise<boolean>
  /** Returns the same with the version of the credential that is in use now. */
  readonly again: () => Promise<CallInside>
}

/** How long a look at the credential's state counts, in milliseconds. */
const LOOK_COUNTS = 1_000

/** Returns what the handler behind a gate works with. `gated`: the gate's own call, by which the provider finds the credential. */
export async function insideGate(
  provider: ProxyProvider,
  gated: GatedCall,
  signal: AbortSignal,
  [report, toolCall]: Parameters<GuardedHandler<unknown>>,
): Promise<CallInside> {
  // The handle is bound to the gate's own call, never to what the client has sent.
  const handle = provider.getCredentials(markCall({ signal, requestId: newCorrelationId() }, toolCall))
  const version = await provider.versionOf?.(gated)
  // The pass also ends when the owner is offboarded.
  const ended = toolCall.passesOf(provider).at(-1)?.signal()
  let looked = Date.now()
  const inside: CallInside = {
    again: async () => ({
      ...inside,
      // A look of its own, because the gate's call keeps what it has seen.
      call: { ...inside.call, version: await provider.versionOf?.({ ...gated }) },
    }),
    call: {
      ...{ owner: gated.user, signal: ended ?? signal, handle, version },
      injected: (process) => provider.processLog().injected(gated, process),
    },
    guard: toolCall.guard,
    report,
    async isStillConnected() {
      if (Date.now() - looked < LOOK_COUNTS) return true
      looked = Date.now()
      // A look of its own, because the gate's call keeps what it has seen.
      return provider.credentialState({ ...gated }).then(
        (state) => state === 'active',
        () => true,
      )
    },
  }
  return inside
}

export type Unasked<R> =
  | { readonly kind: 'done'; readonly result: R }
  /** Nothing was done. */
  | { readonly kind: 'not-connected'; readonly state: Exclude<CredentialState, 'active'> }
  /** The result contained a secret. */
  | { readonly kind: 'withheld' }

/** Does work that needs the credential and for which nobody is asked: lists, notifications, standing streams. */
export async function withoutAsking<R>(
  provider: ProxyProvider,
  call: GatedCall & { readonly signal: AbortSignal },
  work: (inside: CallInside) => Promise<R>,
): Promise<Unasked<R>> {
  await provider.ready()
  const state = await provider.credentialState(call)
  if (state !== 'active') return { kind: 'not-connected', state }
  const handler: GuardedHandler<R> = async (...inside) => work(await insideGate(provider, call, call.signal, inside))
  const [ended] = await Promise.allSettled([
    runGuarded({ provider, call, toolCall: createToolCall(undefined), handler }),
  ])
  const settled = await provider.settle?.(call, ended.status === 'rejected' ? ended.reason : undefined)
  if (typeof settled === 'object') return { kind: 'not-connected', state: settled.cause }
  if (ended.status === 'rejected') throw ended.reason
  return 'withheld' in ended.value ? { kind: 'withheld' } : { kind: 'done', result: ended.value.result }
}
