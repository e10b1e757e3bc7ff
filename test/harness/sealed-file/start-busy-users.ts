import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { compiled } from '../processes/compile-module.ts'
import type { StorePlace } from './many-records.ts'

export interface BusyUsers {
  /** Acknowledged saves so far. */
  saves(): number
  /** Ends the users; resolves with each user's last acknowledged value, and with what they read that was not what was saved. */
  end(): Promise<{
    readonly code: number | null
    readonly last: ReadonlyMap<string, string>
    readonly wrong: readonly string[]
  }>
  kill(): void
}

/** Starts a process in which so many users save and read in the store, beside the records of `saveMany`. */
export function startBusyUsers(
  { folder, keyFile }: StorePlace,
  { users, records }: { readonly users: number; readonly records: number },
): BusyUsers {
  const child = spawn(
    process.execPath,
    [compiled(join(import.meta.dirname, 'busy-users.ts')), folder, String(users), String(records)],
    { env: { ...process.env, MCP_VAULT_KEY_FILE: keyFile }, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const last = new Map<string, string>()
  const wrong: string[] = []
  let saves = 0
  let rest = ''
  child.stdout.on('data', (chunk) => {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) take(line)
  })
  const closed = once(child, 'close')
  return {
    saves: () => saves,
    async end() {
      child.stdin.end()
      await closed
      return { code: child.exitCode, last, wrong }
    },
    kill: () => void child.kill('SIGKILL'),
  }

  function take(line: string): void {
    if (line.startsWith('wrong')) {
      wrong.push(line)
      return
    }
    const [user = '', number = ''] = line.split(' ')
    last.set(user, number)
    saves += 1
  }
}
