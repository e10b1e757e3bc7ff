import { promise as fastq } from 'fastq'
import { describeQueue, type Queue } from './queued-calls.ts'

// One for the whole module, as its own page shows it.
const shared = fastq((job: () => Promise<unknown>) => job(), 1)
const queue: Queue = (job) => shared.push(job) as ReturnType<typeof job>

describeQueue('fastq', queue)
