import type { ClientAnswer, OpenQuestions } from '../../core/gate/client-port.ts'

interface Question {
  readonly answer: Promise<ClientAnswer>
  /** Aborts when the call that asked no longer waits. */
  readonly signal: AbortSignal
}

/** Makes them for one connection. */
export function createOpenQuestions(): OpenQuestions {
  // Created on first use: every session has one, and most never need it.
  let open: Map<string, Question> | undefined

  function find(url: string): Question | undefined {
    const question = open?.get(url)
    return question?.signal.aborted === false ? question : undefined
  }

  function begin(url: string, signal: AbortSignal, ask: () => Promise<ClientAnswer>): Promise<ClientAnswer> {
    open ??= new Map()
    for (const [asked, question] of open) if (question.signal.aborted) open.delete(asked)
    const answer = ask()
    if (!signal.aborted) open.set(url, { answer, signal })
    return answer
  }

  async function share(url: string, signal: AbortSignal, ask: () => Promise<ClientAnswer>): Promise<ClientAnswer> {
    const gone = aborted(signal)
    for (let question = find(url); question && !signal.aborted; question = find(url)) {
      const answer = await Promise.race([question.answer, aborted(question.signal), gone])
      if (answer !== 'withdrawn' && !question.signal.aborted) return answer
    }
    // A call that no longer waits has its answer from elsewhere.
    return signal.aborted ? 'accept' : begin(url, signal, ask)
  }

  return { ask: (url, signal, ask) => (find(url) ? share : begin)(url, signal, ask) }
}

function aborted(signal: AbortSignal): Promise<'withdrawn'> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('withdrawn')
    else signal.addEventListener('abort', () => resolve('withdrawn'), { once: true })
  })
}
