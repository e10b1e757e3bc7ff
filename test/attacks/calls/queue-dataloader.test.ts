import DataLoader from 'dataloader'
import { describeQueue, type Queue } from './queued-calls.ts'

// One for the whole module, as its own page shows it.
const shared = new DataLoader((jobs: readonly (() => Promise<unknown>)[]) => Promise.all(jobs.map((job) => job())), {
  cache: false,
  // Collects the keys of several requests into one batch.
  batchScheduleFn: (dispatch) => void setTimeout(dispatch, 100),
})
const queue: Queue = (job) => shared.load(job) as ReturnType<typeof job>

describeQueue('DataLoader', queue)
