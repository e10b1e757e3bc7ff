import { readdir, readFile } from 'node:fs/promises'

/** The processes of one group, as far as `/proc` shows them. */
export interface GroupUse {
  readonly residentBytes: number
  /** Processes that are not zombies. */
  readonly running: number
}

/** Returns what each process group uses. Empty where there is no `/proc`, as on macOS. */
export async function processGroups(): Promise<ReadonlyMap<number, GroupUse>> {
  const groups = new Map<number, GroupUse>()
  for (const pid of await processIds()) {
    // The name of the program in parentheses may contain blanks and parentheses.
    const stat = await textOf(`/proc/${pid}/stat`)
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (group === undefined || state === 'Z' || state === 'X') continue
    const resident = /^VmRSS:\s*(\d+) kB/m.exec(await textOf(`/proc/${pid}/status`))?.[1] ?? '0'
    const former = groups.get(Number(group)) ?? { residentBytes: 0, running: 0 }
    groups.set(Number(group), {
      residentBytes: former.residentBytes + Number(resident) * 1024,
      running: former.running + 1,
    })
  }
  return groups
}

/** Returns the processes whose environment contains the text. It finds those that have left their process group. */
export async function processesNaming(text: string): Promise<readonly number[]> {
  const found: number[] = []
  for (const pid of await processIds()) {
    if (pid !== process.pid && (await textOf(`/proc/${pid}/environ`)).includes(text)) found.push(pid)
  }
  return found
}

/** Kills every process whose environment contains the text, also those that such processes start meanwhile. */
export async function killNaming(text: string): Promise<number> {
  const killed = new Set<number>()
  for (let round = 0; round < 20; round += 1) {
    const found = await processesNaming(text)
    if (found.length === 0) break
    for (const pid of found) {
      killed.add(pid)
      signal(pid, 'SIGKILL')
    }
  }
  return killed.size
}

/** Sends a signal to a process, or with a negative number to a group. Returns whether there was one. */
export function signal(target: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(target, name)
    return true
  } catch (error) {
    // A process of another user is there, and not ours to signal.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

async function processIds(): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => [])
  return names.filter((name) => /^\d+$/.test(name)).map(Number)
}

// latin1 keeps each byte, and is fast: an environment may be 100 kB.
const textOf = (path: string) => readFile(path, 'latin1').catch(() => '')
