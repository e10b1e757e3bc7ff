import { settled } from '../host/all-done.ts'
import type { DrainedWork } from '../host/drain.ts'
import { newCorrelationId } from '../model/correlation-id.ts'
import type { CredentialState } from '../model/credential-state.ts'
import { type CredentialVaultError, isCredentialVaultError } from '../model/errors.ts'
import { sameOwner, twoUsers } from '../model/owner.ts'
import { unusableCause } from '../model/stored-values.ts'
import { correlationIdOf, keepCorrelationId } from '../telemetry/request-correlation.ts'
import { askAndWait } from './ask-and-wait.ts'
import { askByResult, type LegAnswer } from './ask-by-result.ts'
import { type CallState, openCallState, stateBinding } from './call-state.ts'
import type { ClientPort, OpenQuestions, UrlQuestion } from './client-port.ts'
import type { CompletionNotices } from './completion-notices.ts'
import { decideGate, type GateDecision } from './gate-decision.ts'
import { problemKind } from './gate-problem.ts'
import { gateTexts } from './gate-texts.ts'
import { type CallKind, callName, type GatedCall, isSilent } from './gated-call.ts'
import { type GatedProvider, providerOfAccount, type Verdict } from './gated-provider.ts'
import { type GuardedHandler, runGuarded } from './guarded-run.ts'
import type { ToolCall } from './tool-call.ts'

/** One call at one gate, as an adapter passes it. */
export interface GateEntry<R> {
  /** Default `tool`. */
  readonly kind?: CallKind
  readonly provider: GatedProvider
  /** Which of the provider's accounts the call needs. A model may have chosen it. Default: the one without a name. */
  readonly account?: string | (() => string | undefined | Promise<string | undefined>) | undefined
  /** Answers at once with a link instead of waiting for the user. */
  readonly failFast: boolean
  /** Answers a repeated call of a client without URL mode with a protocol error. Default false: with the link as text. */
  readonly strict?: boolean
  /** Run the handler once more after the service rejected the credential and another one is there. */
  readonly retry: boolean
  /** Name of the tool, prompt, resource or completion, for the form and the audit log. */
  readonly tool: string | undefined
  readonly client: ClientPort
  readonly notices: CompletionNotices
  /** What the connection's other calls ask. Default: nothing. */
  readonly questions?: OpenQuestions
  /** The request's `authInfo`, as a verifier set it. */
  readonly authInfo: unknown
  /** Started by this gate, or by an enclosing one. */
  readonly toolCall: ToolCall
  /** Runs the handler with an `extra` that is guarded, and marked with the call as it is behind this gate. */
  readonly handler: GuardedHandler<R>
}

/** The answer, which the adapter translates to its protocol. */
export type GateOutcome<R> =
  /** `notice` is a line for the user, if one is due. An adapter asks for it only if it can add it to the result: it is given once. */
  | { readonly kind: 'result'; readonly result: R; readonly notice?: () => Promise<string | undefined> }
  /** A text instead of the result. It reaches the model and the user. */
  | { readonly kind: 'text'; readonly text: string }
  /** Nothing at all: the credential is missing, and a call of this kind does not ask for it. */
  | { readonly kind: 'nothing' }
  /** JSON-RPC error -32042 with the question. `text` is its message. */
  | { readonly kind: 'url-required'; readonly question: UrlQuestion; readonly text: string }
  /** The client answers the question, if there is one, and repeats the call with the state. */
  | Extract<LegAnswer, { kind: 'input-required' }>

/**
 * Runs the handler once the caller's own credential for the provider is stored, and asks for the credential if it is missing. Knows no SDK
 * and no transport.
 *
 * @throws the handler's errors, unless they contain a secret; `owner_unknown` for a gate inside another user's gate
 */
export async function passGate<R>(entry: GateEntry<R>): Promise<GateOutcome<R>> {
  let { provider } = entry
  const trail = { correlationId: correlationIdOf(entry.authInfo) }
  const account = typeof entry.account === 'function' ? await entry.account() : entry.account
  try {
    provider = providerOfAccount(provider, account)
    await provider.ready()
    const named = provider === entry.provider ? entry : { ...entry, provider }
    const drain = provider.drain?.()
    if (!drain) return await pass(named, trail)
    // A call that runs already may finish, whatever gates it has yet to pass.
    if (drain.begun && !entry.toolCall.outermost()) return words(gateTexts.stopped())
    // A gate inside another one is part of the same call.
    const work: DrainedWork = { kind: entry.toolCall.outermost() ? undefined : 'call' }
    drain.enter(work)
    return await pass(named, trail).finally(() => drain.leave(work))
  } catch (error) {
    // Written for the caller, in fixed words and declared names: the model can choose again.
    if (isUnknownAccount(error)) return words(error.message)
    // The enclosing gate of the other provider answers errors about that provider's credential.
    if (isCredentialVaultError(error) && error.provider !== undefined && error.provider !== provider.name) throw error
    // Our errors are written for operators. The user is told which kind of problem it is.
    const kind = problemKind(error)
    if (kind === undefined) throw error
    return words(
      gateTexts[kind](provider.label, isCredentialVaultError(error) ? error : undefined, trail.correlationId),
    )
  }
}

function isUnknownAccount(error: unknown): error is CredentialVaultError {
  return isCredentialVaultError(error, 'configuration_invalid') && error.reason === 'account_unknown'
}

/** `trail` keeps the id of the call's first leg. */
async function pass<R>(entry: GateEntry<R>, trail: { correlationId: string }): Promise<GateOutcome<R>> {
  const { provider, client, authInfo, toolCall, kind = 'tool' } = entry
  const user = provider.userOf(authInfo)
  if (!user) return words(gateTexts.unknownOwner())
  // An enclosing gate has started the call and knows its owner.
  const outer = toolCall.outermost()
  if (outer && !sameOwner(outer.call.user, user)) throw twoUsers()
  const tool = callName(kind, entry.tool)
  const state = stateOf(entry, { user, kind, tool }, provider)
  if (state) {
    trail.correlationId = state.correlationId
    keepCorrelationId(authInfo, state.correlationId)
  }
  const { correlationId } = trail
  const call: GatedCall = {
    user,
    kind,
    clientName: client.name,
    tool,
    correlationId,
    assertion: provider.assertionOf(user, authInfo),
    signal: client.signal,
    trace: client.trace,
  }
  return decide(entry, call, await provider.credentialState(call), { provider, state })
}

/** Returns what an earlier leg of this very call left, also if that leg asked for another provider's credential. */
function stateOf<R>(
  { client, toolCall }: GateEntry<R>,
  call: Pick<GatedCall, 'user' | 'kind' | 'tool'>,
  provider: GatedProvider,
): CallState | undefined {
  const text = client.leg?.state
  // Most calls are first legs, whose arguments need no digest.
  if (text === undefined) return undefined
  const calls = provider.repeatedCalls?.()
  return calls && openCallState(calls, text, stateBinding(call, toolCall.arguments))
}

interface Asked {
  readonly provider: GatedProvider
  readonly state: CallState | undefined
}

// Not async, so that nothing is suspended while the call waits: see "A waiting call takes little memory" in docs/design.md.
function decide<R>(
  entry: GateEntry<R>,
  call: GatedCall,
  credential: CredentialState,
  { provider: asked, state }: Asked,
): Promise<GateOutcome<R>> {
  const { client, failFast, strict = false } = entry
  const decision = decideGate({
    client: client.ability,
    credential,
    progress: client.progress !== undefined,
    failFast,
    strict,
    silent: isSilent(call),
    repeats: client.leg !== undefined,
    tokenTimeoutSeconds: asked.tokenTimeoutSeconds,
  })
  if (decision.action === 'run' || credential === 'active') return run(entry, call)
  if (decision.action === 'answer-nothing') return Promise.resolve({ kind: 'nothing' })
  if (decision.action !== 'ask-by-result') return ask(entry, call, { cause: credential, provider: asked }, decision)
  return askInLegs(entry, call, {
    cause: credential,
    provider: asked,
    state: state?.provider === asked.name ? state : undefined,
  })
}

/** The credential to ask the owner for: that of the gate's own account, or of another one that the handler has chosen. */
type Needed = Extract<Verdict, object>

async function ask<R>(
  entry: GateEntry<R>,
  call: GatedCall,
  { provider, cause }: Needed,
  decision: Exclude<GateDecision, { action: 'run' | 'ask-by-result' | 'answer-nothing' }>,
): Promise<GateOutcome<R>> {
  const { client, notices, questions } = entry
  const { label } = provider
  const waits = decision.action === 'ask-and-wait'
  const request = await provider.requestCredential(call, cause, { waits })
  const openLink = gateTexts.openLink(label, cause, request)
  switch (decision.action) {
    case 'answer-text':
      return words(openLink)
    case 'answer-url-required': {
      const elicitationId = newCorrelationId()
      if (decision.notifyCompletion) notices.watch(request, () => client.notifyDone(elicitationId, 'session'))
      const question = { message: gateTexts.ask(label, cause), url: request.url, elicitationId }
      return { kind: 'url-required', question, text: openLink }
    }
    case 'ask-and-wait': {
      if (!request.mayWait) return words(openLink)
      const { toolCall } = entry
      const drain = provider.drain?.()
      const waiting = askAndWait({ client, provider, request, cause, decision, questions, toolCall, drain })
      return waiting.then((answer) => (answer.saved ? run(entry, call) : words(answer.text)))
    }
  }
}

async function askInLegs<R>(
  entry: GateEntry<R>,
  call: GatedCall,
  { provider, cause, state }: Needed & Asked,
): Promise<GateOutcome<R>> {
  const { client, failFast, toolCall } = entry
  const { leg } = client
  const calls = provider.repeatedCalls?.()
  const binding = stateBinding(call, toolCall.arguments)
  if (!leg || !calls || binding === undefined) {
    const request = await provider.requestCredential(call, cause, { waits: false })
    return words(gateTexts.openLink(provider.label, cause, request))
  }
  const drain = provider.drain?.()
  const answer = await askByResult({
    client,
    leg,
    provider,
    calls,
    call,
    cause,
    failFast,
    state,
    binding,
    toolCall,
    drain,
  })
  return answer.kind === 'saved' ? run(entry, call) : answer
}

async function run<R>(entry: GateEntry<R>, call: GatedCall): Promise<GateOutcome<R>> {
  const { provider, client, toolCall, retry } = entry
  const { reruns } = toolCall
  if (!retry) reruns.state = 'opted-out'
  const ended = await settled(runOnce(entry, call))
  // The gate waits for the handler, which may still have to tidy up after the rejection.
  const verdict = await provider.settle?.(call, ended.status === 'rejected' ? ended.reason : undefined)
  if (verdict === undefined || verdict === 'kept' || client.signal.aborted) return unwrapped(ended)
  // A handler that opted out has its own answer, unless it had to stop because it lacked a credential.
  if (reruns.state === 'opted-out' && (verdict === 'replaced' || !lacks(ended, verdict.provider)))
    return unwrapped(ended)
  if (reruns.state === 'allowed') {
    reruns.state = 'used'
    toolCall.progress.runAgain()
    if (verdict === 'replaced') return run(entry, call)
    // The user is asked again for a credential that this leg has just tried. An earlier leg may have asked for another account's.
    const state = verdict.provider.name === provider.name ? undefined : stateOf(entry, call, provider)
    return decide(entry, call, verdict.cause, { provider: verdict.provider, state })
  }
  if (verdict === 'replaced') return unwrapped(ended)
  if (isSilent(call)) return { kind: 'nothing' }
  const request = await verdict.provider.requestCredential(call, verdict.cause, { waits: false })
  return words(gateTexts.openLink(verdict.provider.label, verdict.cause, request))
}

/** Whether the handler stopped because it could not use this provider's credential. Another provider's error is an answer of its own. */
function lacks(ended: PromiseSettledResult<unknown>, { name }: GatedProvider): boolean {
  if (ended.status === 'fulfilled' || !isCredentialVaultError(ended.reason)) return false
  return unusableCause(ended.reason) !== undefined && ended.reason.provider === name
}

function unwrapped<R>(ended: PromiseSettledResult<R>): R {
  if (ended.status === 'rejected') throw ended.reason
  return ended.value
}

async function runOnce<R>({ provider, toolCall, handler }: GateEntry<R>, call: GatedCall): Promise<GateOutcome<R>> {
  try {
    const ran = await runGuarded({ provider, call, toolCall, handler })
    if ('withheld' in ran) return words(gateTexts.withheld(ran.withheld))
    // The result is there, so nothing about a notice may fail the call.
    const notice = async () => provider.expiryNotice?.(call).catch(() => undefined)
    return { kind: 'result', result: ran.result, notice }
  } catch (error) {
    // The stored value was changed by hand, and the user can fix it.
    if (!isCredentialVaultError(error, 'credential_malformed') || error.provider !== provider.name) throw error
    if (isSilent(call)) return { kind: 'nothing' }
    const request = await provider.requestCredential(call, 'absent', { waits: false })
    return words(gateTexts.malformed(provider.label, request))
  }
}

function words(text: string): { readonly kind: 'text'; readonly text: string } {
  return { kind: 'text', text }
}
