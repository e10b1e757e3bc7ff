import { z } from 'zod'
import { type OptionSchemas, parseOptions } from '../../core/model/options.ts'
import type { OpenedParts } from './open-parts.ts'

export interface CloseOptions {
  /**
   * How long running calls and saves, and then the parts, may take in all, in seconds, 1 to 600. Default 25, since Kubernetes kills a
   * process after 30. With nothing to finish, closing takes no time.
   */
  readonly withinSeconds?: number
  /** Name of the signal that ends the process, such as `SIGTERM`, for the log. Default: none. */
  readonly signal?: string
}

/** What a part of the server may wait for while the vault closes. */
export interface Closing {
  /** Resolves once running calls and saves have ended, or their time is up. */
  readonly idle: Promise<void>
  /** Aborts when the time for running calls and saves is up. */
  readonly deadline: AbortSignal
  /** Reports how many calls the part has cut off, for the log. */
  readonly cutOff: (calls: number) => void
}

/** Ends a part of the server in front of the vault, such as a mount with its sessions. */
export type Ending = (closing: Closing) => Promise<void>

/** What providers keep open, which running calls still use. Asked for when the vault closes. */
export type ProviderEnds = () => readonly (() => Promise<void>)[]

const closeOptions = z.strictObject({
  withinSeconds: z.number().min(1).max(600).default(25),
  signal: z
    .string()
    .regex(/^SIG[A-Z0-9]{1,20}$/, 'must be the name of a signal such as SIGTERM')
    .optional(),
} satisfies OptionSchemas<CloseOptions>)

interface ClosingParts {
  readonly parts: Pick<OpenedParts<never, never>, 'drain' | 'close' | 'warnOf' | 'noteOf' | 'pendingRequests'>
  /** The parts of the server in front of the vault, which end first. */
  readonly endings: readonly Ending[]
  readonly providers: ReturnType<ProviderEnds>
}

export interface ClosingVault {
  /** Runs `end` when the vault closes. Its stores stay open until `end` resolves, unless the time is up. */
  onClose(end: Ending): void
  /** A second call waits for the first. */
  close(options?: CloseOptions): Promise<void>
}

export function createClosing(parts: ClosingParts['parts'], providerEnds: ProviderEnds = () => []): ClosingVault {
  const endings: Ending[] = []
  let closed: Promise<void> | undefined
  return {
    onClose: (end) => void endings.push(end),
    async close(options) {
      const checked = parseOptions(closeOptions, options ?? {}, 'close')
      closed ??= loggedClose({ parts, endings, providers: providerEnds() }, checked)
      return closed
    },
  }
}

/** Milliseconds that are kept for what comes after the running work, if all of it takes its longest. */
const FOR_THE_REST = 8_000
/** Equal parts of that time: one each for late endings and late providers, and two for each of the four groups of `OpenedParts.close`. */
const SHARES = 10

/** Writes a line to the log when the end begins, and one when it is over. */
async function loggedClose(
  closing: ClosingParts,
  { withinSeconds, signal }: z.output<typeof closeOptions>,
): Promise<void> {
  const { drain, noteOf, pendingRequests } = closing.parts
  const note = noteOf('server')
  const waitingCalls = pendingRequests.waitingCalls()
  const runningCalls = Math.max(0, drain.running('call') - waitingCalls)
  const openSaves = drain.running('form')
  const by = signal === undefined ? '' : ` by ${signal}`
  const counts = `waiting calls: ${waitingCalls}, other running calls: ${runningCalls}, open saves: ${openSaves}`
  note(`Shutdown begins${by}; ${counts}`, { signal, waitingCalls, runningCalls, openSaves })
  const began = performance.now()
  const cut = { off: 0 }
  const ended = (problem: string) => {
    const durationMs = Math.round(performance.now() - began)
    note(`Shutdown ended after ${durationMs} ms${problem}; cut off: ${cut.off}`, { durationMs, cutOff: cut.off })
  }
  try {
    await closeVault(closing, withinSeconds, (number) => (cut.off = number))
  } catch (error) {
    ended(', and a part of the server failed to close')
    throw error
  }
  ended('')
}

/**
 * Ends a vault in order: waiting calls are answered, new ones refused, running calls and saves finish, then the log is flushed and the
 * parts are closed.
 *
 * @throws the first error of a part; `unavailable` (`reason: 'timeout'`) for one that did not close in its time
 */
async function closeVault(
  { parts, endings, providers }: ClosingParts,
  withinSeconds: number,
  onCutOff: (number: number) => void,
): Promise<void> {
  const { drain } = parts
  const rest = Math.min(FOR_THE_REST, (withinSeconds * 1000) / 2)
  const share = rest / SHARES
  const timeUp = new AbortController()
  const timer = setTimeout(() => timeUp.abort(), withinSeconds * 1000 - rest)
  drain.begin()
  let cutCalls = 0
  const closing: Closing = {
    cutOff: (calls) => {
      cutCalls += calls
    },
    idle: drain.settled(timeUp.signal).then(() => undefined),
    deadline: timeUp.signal,
  }
  const overdue = new Promise<void>((resolve) =>
    timeUp.signal.addEventListener('abort', () => setTimeout(resolve, share).unref()),
  )
  const ended = await Promise.allSettled(endings.map(async (end) => Promise.race([end(closing), overdue])))
  // Meanwhile a page may have been asked for.
  const left = await drain.settled(timeUp.signal)
  const leftCalls = drain.running('call')
  drain.finish()
  clearTimeout(timer)
  // A part in front of the vault also counts calls that pass no gate.
  const cut = left - leftCalls + Math.max(leftCalls, cutCalls)
  onCutOff(cut)
  if (cut > 0) parts.warnOf('server')(cutOff(cut))
  const late = unrefDelay(share)
  const providersEnded = await Promise.allSettled(providers.map(async (end) => Promise.race([end(), late])))
  await parts.close([...ended, ...providersEnded], 2 * share)
}

/** Closes the parts of a vault that did not open to its end, in which nothing runs yet. */
export async function closeAtOnce(parts: Pick<OpenedParts<never, never>, 'close'>): Promise<void> {
  await parts.close([], FOR_THE_REST / SHARES)
}

function unrefDelay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}

function cutOff(left: number): string {
  return `${left} calls or pages were still running when the time to close was up, and were cut off. A save among them has a line credential.storing in the audit log, and may have been stored.`
}
