import Bottleneck from 'bottleneck'
import { describeQueue, type Queue } from './queued-calls.ts'

// One for the whole module, as its own page shows it.
const shared = new Bottleneck({ maxConcurrent: 1 })
const queue: Queue = (job) => shared.schedule(job)

describeQueue('Bottleneck', queue)
