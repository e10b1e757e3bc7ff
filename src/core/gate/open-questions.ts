import type { ClientAnswer } from './client-port.ts'

/** The questions that one connection's client shows, so that calls in parallel show a link once. */
export interface OpenQuestions {
  /**
   * Asks, unless another call has asked for the same link and still waits: its answer is then this call's as well. Asks after all if the other
   * call ends before its user has answered.
   *
   * @param signal aborts when this call no longer waits
   */
  ask(url: string, signal: AbortSignal, ask: () => Promise<ClientAnswer>): Promise<ClientAnswer>
}

type Shared = Promise<ClientAnswer | 'withdrawn'>

export function createOpenQuestions(): OpenQuestions {
  const open = new Map<string, Shared>()
  return {
    async ask(url, signal, ask) {
      const gone = new Promise<'withdrawn'>((resolve) => onAbort(signal, () => resolve('withdrawn')))
      for (let shared = open.get(url); shared && !signal.aborted; shared = open.get(url)) {
        const answer = await Promise.race([shared, gone])
        if (answer !== 'withdrawn') return answer
      }
      // A call that no longer waits has its answer from elsewhere.
      if (signal.aborted) return 'accept'
      const asked = ask()
      const shared: Shared = Promise.race([asked.then((answer) => (signal.aborted ? 'withdrawn' : answer)), gone])
      open.set(url, shared)
      onAbort(signal, () => open.delete(url))
      return asked
    },
  }
}

function onAbort(signal: AbortSignal, done: () => void): void {
  if (signal.aborted) done()
  else signal.addEventListener('abort', done, { once: true })
}
