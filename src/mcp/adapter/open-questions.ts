import type { ClientAnswer, OpenQuestions } from '../../core/gate/client-port.ts'

type Said = ClientAnswer | 'withdrawn'

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
    if (!signal.aborted) open.set(url, new Question(answer, signal))
    return answer
  }

  async function share(url: string, signal: AbortSignal, ask: () => Promise<ClientAnswer>): Promise<ClientAnswer> {
    for (let question = find(url); question && !signal.aborted; question = find(url)) {
      const said = await question.saidTo(signal)
      if (said !== 'withdrawn') return said
    }
    // A call that no longer waits has its answer from elsewhere.
    return signal.aborted ? 'accept' : begin(url, signal, ask)
  }

  return { ask: (url, signal, ask) => (find(url) ? share : begin)(url, signal, ask) }
}

/** A question that one call has asked, and other calls share. */
class Question {
  /** Aborts when the call that asked no longer waits. */
  readonly signal: AbortSignal
  readonly #answer: Promise<ClientAnswer>
  /** Undefined until another call shares the question. */
  #sharing: Set<(said: Said) => void> | undefined
  #said: Said | undefined

  constructor(answer: Promise<ClientAnswer>, signal: AbortSignal) {
    this.#answer = answer
    this.signal = signal
  }

  /**
   * Resolves to the answer, or to `withdrawn` once one of the two calls no longer waits. Leaves nothing behind then: a client may repeat a
   * call many times while another one waits.
   */
  saidTo(signal: AbortSignal): Promise<Said> {
    this.#sharing ??= this.#shared()
    const sharing = this.#sharing
    return new Promise((resolve) => {
      if (this.#said !== undefined) {
        resolve(this.#said)
        return
      }
      const done = (said: Said) => {
        sharing.delete(done)
        signal.removeEventListener('abort', gone)
        resolve(said)
      }
      const gone = () => done('withdrawn')
      sharing.add(done)
      signal.addEventListener('abort', gone)
    })
  }

  #shared(): Set<(said: Said) => void> {
    const sharing = new Set<(said: Said) => void>()
    const tell = (said: Said) => {
      this.#said ??= said
      for (const done of sharing) done(said)
    }
    this.#answer.then(tell, () => tell('failed'))
    // The call that asked ends by an answer too, which it may be told first.
    const withdrawn = () => void Promise.race([this.#answer, 'withdrawn' as const]).then(tell, () => tell('failed'))
    this.signal.addEventListener('abort', withdrawn, { once: true })
    return sharing
  }
}
