import type { ClientAnswer, OpenQuestions } from '../../core/gate/client-port.ts'

type Shared = Promise<ClientAnswer | 'withdrawn'>

/** Makes them for one connection. */
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
