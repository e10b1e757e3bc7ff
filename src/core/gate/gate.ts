import { newCorrelationId } from '../model/correlation-id.ts'
import type { RequestCause } from '../model/credential-state.ts'
import { isCredentialVaultError } from '../model/errors.ts'
import { sameOwner, twoUsers } from '../model/owner.ts'
import { askAndWait } from './ask-and-wait.ts'
import type { ClientPort, UrlQuestion } from './client-port.ts'
import type { CompletionNotices } from './completion-notices.ts'
import { decideGate, type GateDecision } from './gate-decision.ts'
import { problemKind } from './gate-problem.ts'
import { gateTexts } from './gate-texts.ts'
import type { GatedCall } from './gated-call.ts'
import type { GatedProvider } from './gated-provider.ts'
import { runGuarded } from './guarded-run.ts'
import type { ToolCall } from './tool-call.ts'

/** One call in front of one gate, as an adapter hands it over. */
export interface GateEntry<R> {
  readonly provider: GatedProvider
  /** Answer at once with a link instead of waiting for the user. */
  readonly failFast: boolean
  /** Name of the tool, for the form and the audit log. */
  readonly tool: string | undefined
  readonly client: ClientPort
  readonly notices: CompletionNotices
  /** What a verifier left on the request. */
  readonly authInfo: unknown
  /** Begun by this gate, or by one around it. */
  readonly toolCall: ToolCall
  /** Runs the handler, and hands it what its adapter guards. `report` records that something it sent was withheld. */
  readonly handler: (report: () => Promise<void>) => Promise<R>
}

/** What the adapter has to answer with, in the words of its protocol. */
export type GateOutcome<R> =
  | { readonly kind: 'result'; readonly result: R }
  /** A tool's error in words, which reach the model and the user. */
  | { readonly kind: 'text'; readonly text: string }
  /** The question, for error -32042; `text` is the error's message. */
  | { readonly kind: 'url-required'; readonly question: UrlQuestion; readonly text: string }

/**
 * Lets a call through once the caller's own credential for the provider is there, and asks for it where it is missing. Knows no SDK and
 * no transport.
 *
 * @throws what the handler throws, with what holds a secret withheld; `owner_unknown` for a gate within a gate of another user
 */
export async function passGate<R>(entry: GateEntry<R>): Promise<GateOutcome<R>> {
  const { provider } = entry
  try {
    return await pass(entry)
  } catch (error) {
    // Of another provider's credential its own gate speaks, around this one.
    if (isCredentialVaultError(error) && error.provider !== undefined && error.provider !== provider.name) throw error
    // Our own errors are written for operators; the client's user is told which kind of problem it is.
    const kind = problemKind(error)
    if (kind === undefined) throw error
    return words(gateTexts[kind](provider.label, isCredentialVaultError(error) ? error : undefined))
  }
}

async function pass<R>(entry: GateEntry<R>): Promise<GateOutcome<R>> {
  const { provider, client, authInfo, toolCall, tool, failFast } = entry
  await provider.ready()
  const user = provider.userOf(authInfo)
  if (!user) return words(gateTexts.unknownOwner())
  // A gate around this one has begun the call, and knows whose it is.
  const outer = toolCall.outermost()
  if (outer && !sameOwner(outer.call.user, user)) throw twoUsers()
  const call: GatedCall = {
    user,
    clientName: client.name,
    tool,
    correlationId: newCorrelationId(),
    assertion: provider.assertionOf(user, authInfo),
    signal: client.signal,
  }
  const credential = await provider.credentialState(call)
  const decision = decideGate({
    client: client.ability,
    credential,
    progress: client.progress !== undefined,
    failFast,
    tokenTimeoutSeconds: provider.tokenTimeoutSeconds,
  })
  if (decision.action === 'run' || credential === 'active') return run(entry, call)
  return ask(entry, call, credential, decision)
}

async function ask<R>(
  entry: GateEntry<R>,
  call: GatedCall,
  cause: RequestCause,
  decision: Exclude<GateDecision, { action: 'run' }>,
): Promise<GateOutcome<R>> {
  const { provider, client, notices } = entry
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
      const answer = await askAndWait({ client, provider, request, cause, decision })
      if (!answer.saved) return words(answer.text)
      entry.toolCall.addHeartbeats(answer.heartbeats)
      return run(entry, call)
    }
  }
}

async function run<R>({ provider, toolCall, handler }: GateEntry<R>, call: GatedCall): Promise<GateOutcome<R>> {
  try {
    const ran = await runGuarded({ provider, call, toolCall, handler })
    return ran === 'withheld' ? words(gateTexts.withheld(provider.label)) : { kind: 'result', result: ran.result }
  } catch (error) {
    // Somebody put something else there by hand: the user can fix it.
    if (!isCredentialVaultError(error, 'credential_malformed') || error.provider !== provider.name) throw error
    const request = await provider.requestCredential(call, 'absent', { waits: false })
    return words(gateTexts.malformed(provider.label, request))
  }
}

function words(text: string): { readonly kind: 'text'; readonly text: string } {
  return { kind: 'text', text }
}
