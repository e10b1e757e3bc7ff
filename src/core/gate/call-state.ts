import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { SealerPurposes } from '../crypto/seal.ts'
import type { GatedCall } from './gated-call.ts'
import type { RepeatedCalls } from './gated-provider.ts'

/** What one leg of a repeated call leaves to the next. It travels through the client, sealed. */
export interface CallState {
  /** Handle of the link that the user was asked to open. */
  readonly handle: string
  /** Name of the account whose credential was asked for. */
  readonly provider: string
  /** 0 in the leg that asks, then one more in each leg that waits again. */
  readonly round: number
  /** Joins the audit lines of all legs. */
  readonly correlationId: string
}

export const CALL_STATE_PURPOSES = { seal: ['call-state'], mac: [] } as const satisfies SealerPurposes

const stateSchema = z.strictObject({
  handle: z.string(),
  provider: z.string(),
  round: z.int().min(0),
  correlationId: z.string(),
})

/** Tells our states from an application's own. */
const PREFIX = 'mcv1.'
/** Milliseconds for which a call can still be told how its link ended. The pending store keeps ended requests as long. */
const KEPT_AFTER_EXPIRY = 10 * 60_000

/** Whether the text looks like a state of ours. It may be forged. */
export function isCallState(text: unknown): text is string {
  return typeof text === 'string' && text.startsWith(PREFIX)
}

/**
 * Returns the text that a state is bound to: owner, OAuth client, kind, name and arguments. A state of another owner, client, tool or
 * prompt, or of other arguments, does not open.
 *
 * Returns undefined for arguments that cannot be told from others: a schema may have made objects of any class.
 */
export function stateBinding(
  { user, kind = 'tool', tool }: Pick<GatedCall, 'user' | 'kind' | 'tool'>,
  clientArguments: unknown,
): string | undefined {
  const { issuer, subject, clientId } = user
  const text = canonical(clientArguments)
  if (text === undefined) return undefined
  const digest = createHash('sha256').update(text).digest('base64url')
  return JSON.stringify([issuer, subject, clientId ?? null, kind, tool ?? null, digest])
}

/** @param expiresAt of the link, in Unix milliseconds */
export function sealCallState(calls: RepeatedCalls, state: CallState, binding: string, expiresAt: number): string {
  return PREFIX + calls.seal({ ...state }, expiresAt + KEPT_AFTER_EXPIRY, binding)
}

/** Returns undefined for everything that this call's own earlier leg did not seal. The user is then asked as in a first leg. */
export function openCallState(calls: RepeatedCalls, text: unknown, binding: string | undefined): CallState | undefined {
  if (!isCallState(text) || binding === undefined) return undefined
  return stateSchema.safeParse(calls.open(text.slice(PREFIX.length), binding)).data
}

/** Returns the same text for the same arguments, in whatever order their members are. A schema may have made other values than JSON has. */
function canonical(value: unknown): string | undefined {
  let isComplete = true
  const text = JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return `${member}n`
    if (typeof member === 'number') return Number.isFinite(member) ? member : String(member)
    if (member instanceof Map || member instanceof Set) return [...member]
    if (Array.isArray(member) || member === null) return member
    if (typeof member === 'function' || typeof member === 'symbol') isComplete = false
    if (typeof member !== 'object') return member
    if (!isPlain(member)) isComplete = false
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
  return isComplete ? (text ?? '') : undefined
}

/** Objects of a class may hold more than their properties, as a regular expression does. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}
