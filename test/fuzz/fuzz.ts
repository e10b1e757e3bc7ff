import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { compiled } from '../harness/processes/compile-module.ts'

export interface Task {
  readonly name: string
  readonly cases: number
}

/** A target's name, and its share of all cases beside the others'. */
export interface Share {
  readonly name: string
  readonly weight: number
}

export type Answer =
  | { readonly kind: 'ready'; readonly targets: readonly Share[] }
  | { readonly kind: 'alive'; readonly done: number }
  /** `slowest` case in milliseconds. */
  | { readonly kind: 'done'; readonly done: number; readonly slowest: number }
  | { readonly kind: 'failed'; readonly done: number; readonly report: string }

export interface TargetReport {
  readonly name: string
  readonly cases: number
  readonly milliseconds: number
  readonly slowest: number
  /** What it failed on. */
  readonly problem: string | undefined
}

const AT_ONCE = 2
/** No case may take nearly so long. */
const SILENCE_MEANS_HANG = 120_000

/** Shares the cases out among the targets and runs them in threads of their own. */
export async function fuzz(
  cases: number,
  seed: number,
  onReport: (report: TargetReport) => void = () => {},
): Promise<readonly TargetReport[]> {
  const reports: TargetReport[] = []
  const script = compiled(join(import.meta.dirname, 'worker.ts'))

  async function work(first: Thread, tasks: Task[]): Promise<void> {
    let thread: Thread | undefined = first
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      thread ??= await startThread(script, seed)
      const report = await thread.run(task)
      // A thread that hangs is of no more use.
      if (report.problem !== undefined) {
        await thread.end()
        thread = undefined
      }
      reports.push(report)
      onReport(report)
    }
    await thread?.end()
  }

  const threads = await Promise.all(Array.from({ length: AT_ONCE }, () => startThread(script, seed)))
  const targets = threads[0]?.targets ?? []
  const whole = targets.reduce((sum, { weight }) => sum + weight, 0)
  const tasks = targets.map(({ name, weight }) => ({ name, cases: Math.max(1, Math.ceil((cases * weight) / whole)) }))
  await Promise.all(threads.map((thread) => work(thread, tasks)))
  return reports
}

interface Thread {
  readonly targets: readonly Share[]
  run(task: Task): Promise<TargetReport>
  end(): Promise<unknown>
}

async function startThread(script: string, seed: number): Promise<Thread> {
  const worker = new Worker(script, { workerData: { seed } })
  const answer = await next(worker)
  if (answer.kind !== 'ready') throw new Error(`the thread did not start: ${JSON.stringify(answer)}`)

  return {
    targets: answer.targets,
    end: () => worker.terminate(),
    async run({ name, cases }) {
      const start = performance.now()
      worker.postMessage({ name, cases } satisfies Task)
      let done = 0
      for (;;) {
        const answer = await next(worker)
        if (answer.kind === 'alive') done = answer.done
        if (answer.kind === 'alive' || answer.kind === 'ready') continue
        const milliseconds = performance.now() - start
        if (answer.kind === 'done') {
          return { name, cases: answer.done, milliseconds, slowest: answer.slowest, problem: undefined }
        }
        const after = Math.max(done, answer.done)
        return { name, cases: after, milliseconds, slowest: 0, problem: answer.report }
      }
    },
  }
}

/** The next thing that a thread says; its end and its silence count as failures. */
function next(worker: Worker): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer) => {
      clearTimeout(timer)
      worker.off('message', settle)
      worker.off('error', onError)
      resolve(answer)
    }
    const onError = (error: unknown) => settle({ kind: 'failed', done: 0, report: `uncaught: ${String(error)}` })
    const timer = setTimeout(() => settle({ kind: 'failed', done: 0, report: 'it hangs' }), SILENCE_MEANS_HANG)
    worker.on('message', settle)
    worker.on('error', onError)
  })
}
