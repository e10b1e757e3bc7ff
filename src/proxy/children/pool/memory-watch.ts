import { ownerKey } from '../../../core/model/owner.ts'
import { processGroups } from '../processes/process-table.ts'
import type { PoolEntry } from './pool-entry.ts'
import type { CheckedLimits } from './pool-limits.ts'

/** Measures the children's memory, and ends the largest child of an owner whose children use too much. */
export interface MemoryWatch {
  residentBytes(): number
  stop(): void
}

export function watchMemory(entries: ReadonlySet<PoolEntry>, limits: CheckedLimits): MemoryWatch {
  let measuring = false

  async function measure(): Promise<void> {
    if (measuring || entries.size === 0) return
    measuring = true
    const groups = await processGroups()
    measuring = false
    for (const entry of entries) entry.residentBytes = groups.get(entry.child?.pid ?? 0)?.residentBytes ?? 0
    for (const own of openByOwner(entries)) {
      if (sumOf(own) <= limits.bytesPerOwner) continue
      const [largest] = own.sort((a, b) => b.residentBytes - a.residentBytes)
      void largest?.close('memory', 0)
    }
  }

  const timer = setInterval(() => void measure(), limits.measureEvery).unref()
  return { residentBytes: () => sumOf([...entries]), stop: () => clearInterval(timer) }
}

/** Children that end are left out: they give their memory back, so no other child has to end for it. */
function openByOwner(entries: ReadonlySet<PoolEntry>): readonly PoolEntry[][] {
  const owners = new Map<string, PoolEntry[]>()
  for (const entry of entries) {
    if (!entry.isOpen) continue
    const owner = ownerKey(entry.key)
    owners.set(owner, [...(owners.get(owner) ?? []), entry])
  }
  return [...owners.values()]
}

export const sumOf = (entries: readonly PoolEntry[]) =>
  entries.reduce((sum, { residentBytes }) => sum + residentBytes, 0)
