import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'

/** Where the server of whoever works in this clone keeps its log, and refuses the log of another. */
const folder = join(process.cwd(), 'data/audit')

/** The logs of this process only: other test files run beside this one. */
function ownLogs(): readonly string[] {
  if (!existsSync(folder)) return []
  const opening = new RegExp(`"pid":${process.pid}\\b`)
  return readdirSync(folder).filter((file) =>
    opening.test(readFileSync(join(folder, file), 'utf8').split('\n')[0] ?? ''),
  )
}

const before = ownLogs()

afterAll(() => {
  const message = 'a vault was opened without an audit log of its own, so it wrote to ./data/audit of the clone'
  expect(ownLogs(), message).toEqual(before)
})
