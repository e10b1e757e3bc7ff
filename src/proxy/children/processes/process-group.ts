import { setTimeout as delay } from 'node:timers/promises'
import { processGroups, signal } from './process-table.ts'

/** Longest wait for a group that was killed. Its processes may hang in the kernel, such as on a network file system. */
const KILLED_WITHIN = 5_000
const LOOK_EVERY = 5
const LOOK_LATEST = 100

/**
 * Ends every process of a group: TERM, and KILL for what is still there after the grace. Resolves when there is none but zombies, whose
 * parent is slow. `hurry` ends the grace early. Returns whether that is so; false only if the kernel does not let go of one.
 */
export async function endGroup(group: number, graceMilliseconds: number, hurry: Promise<void>): Promise<boolean> {
  let isHurried = false
  void hurry.then(() => {
    isHurried = true
  })
  if (graceMilliseconds > 0) {
    signal(-group, 'SIGTERM')
    if (await isGone(group, graceMilliseconds, () => isHurried)) return true
  }
  signal(-group, 'SIGKILL')
  return isGone(group, KILLED_WITHIN)
}

async function isGone(group: number, within: number, isHurried = () => false): Promise<boolean> {
  const deadline = performance.now() + within
  for (let pause = LOOK_EVERY; signal(-group, 0); pause = Math.min(pause * 1.5, LOOK_LATEST)) {
    const left = deadline - performance.now()
    if (left <= 0 || isHurried()) return isAllZombies(group)
    await delay(Math.min(pause, left))
  }
  return true
}

async function isAllZombies(group: number): Promise<boolean> {
  const groups = await processGroups()
  return groups.size > 0 && !groups.has(group)
}
