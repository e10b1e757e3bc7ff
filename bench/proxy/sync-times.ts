import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const TIMES = 500
/** About what a line of the audit log has. */
const LINE = Buffer.alloc(700, 'x')

/** Milliseconds of each append to a file with its fdatasync, on the disk of the folder for temporary files. */
export async function syncTimes(): Promise<readonly number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-sync-'))
  const file = await open(join(folder, 'file'), 'a')
  const samples: number[] = []
  try {
    for (let count = 0; count < TIMES; count += 1) {
      const before = performance.now()
      await file.appendFile(LINE)
      await file.datasync()
      samples.push(performance.now() - before)
    }
    return samples
  } finally {
    await file.close()
    await rm(folder, { recursive: true, force: true })
  }
}
