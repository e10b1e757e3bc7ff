import { parentPort, workerData } from 'node:worker_threads'
import type { Answer, Task } from './fuzz.ts'
import { TARGETS } from './targets/all.ts'

/** Runs one target after another, as it is told, and tells how far it is, so that a hang is noticed from outside. */
const { seed }: { seed: number } = workerData
const TELL_EVERY_MILLISECONDS = 500

parentPort?.on('message', (task: Task) => void run(task))
tell({ kind: 'ready', targets: TARGETS.map(({ name, weight }) => ({ name, weight })) })

async function run({ name, cases }: Task): Promise<void> {
  let done = 0
  let told = performance.now()
  const onCase = () => {
    done += 1
    if (performance.now() - told < TELL_EVERY_MILLISECONDS) return
    told = performance.now()
    tell({ kind: 'alive', done })
  }
  try {
    const target = TARGETS.find((candidate) => candidate.name === name)
    if (!target) throw new Error(`there is no target ${name}`)
    const { slowest } = await target.check(cases, seed, onCase)
    tell({ kind: 'done', done, slowest })
  } catch (error) {
    tell({ kind: 'failed', done, report: error instanceof Error ? error.message : String(error) })
  }
}

function tell(answer: Answer): void {
  parentPort?.postMessage(answer)
}
