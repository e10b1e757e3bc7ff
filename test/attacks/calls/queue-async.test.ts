import { queue as asyncQueue } from 'async'
import { describeQueue, type Queue } from './queued-calls.ts'

// One for the whole module, as its own page shows it.
const shared = asyncQueue(async (job: () => Promise<unknown>) => job(), 1)
const queue: Queue = (job) => shared.push(job) as unknown as ReturnType<typeof job>

describeQueue('async.queue', queue)
