import PQueue from 'p-queue'
import { describeQueue, type Queue } from './queued-calls.ts'

// One for the whole module, as its own page shows it.
const shared = new PQueue({ concurrency: 1, interval: 10, intervalCap: 1 })
const queue: Queue = (job) => shared.add(job)

describeQueue('p-queue', queue)
