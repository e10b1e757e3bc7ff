import { randomBytes } from 'node:crypto'
import type { ProxiedAnswer, ProxiedRequest } from '../../test/harness/fault-proxy.ts'
import { hashOf } from './ledger.ts'

interface Save {
  readonly user: string
  /** The form that it was typed into; buttons pressed at the same time have the same form. */
  readonly form: string
  acknowledged: boolean
  /** How many versions OpenBao made of it. */
  written: number
}

/** Every value that was typed into a form, and what OpenBao made of it. No value is typed twice. */
export interface Saves {
  newValue(user: string, form: string): string
  acknowledge(value: string): void
  /** Looks at what OpenBao has answered. */
  watch(request: ProxiedRequest, answer: ProxiedAnswer): void
  /** Whose value has this hash; undefined if it is nobody's. */
  ownerOf(hash: string): string | undefined
  versionsOf(user: string): number
  counts(): { readonly acknowledged: number; readonly unknown: number; readonly unknownWritten: number }
  /** What was saved twice, or acknowledged and not saved. */
  problems(): readonly string[]
}

export function createSaves(): Saves {
  const saves = new Map<string, Save>()
  const owners = new Map<string, string>()
  const strangers: string[] = []
  const all = () => [...saves.values()]
  return {
    newValue(user, form) {
      const value = `tok-${user}-${saves.size}-${randomBytes(8).toString('hex')}`
      saves.set(value, { user, form, acknowledged: false, written: 0 })
      owners.set(hashOf(value), user)
      return value
    },
    acknowledge(value) {
      const save = saves.get(value)
      if (save) save.acknowledged = true
    },
    watch({ method, url, body }, { status }) {
      if (method !== 'POST' || !url.includes('/data/') || status !== 200) return
      const { data }: { data?: { pat?: string } } = JSON.parse(body.toString())
      const save = saves.get(data?.pat ?? '')
      if (save) save.written += 1
      else strangers.push(`a value was saved that nobody had typed: ${url}`)
    },
    ownerOf: (hash) => owners.get(hash),
    versionsOf: (user) => all().reduce((sum, save) => sum + (save.user === user ? save.written : 0), 0),
    counts() {
      const unknown = all().filter(({ acknowledged }) => !acknowledged)
      return {
        acknowledged: saves.size - unknown.length,
        unknown: unknown.length,
        unknownWritten: unknown.filter(({ written }) => written > 0).length,
      }
    },
    problems() {
      const ofForms = new Map<string, number>()
      for (const { form, written } of all()) ofForms.set(form, (ofForms.get(form) ?? 0) + written)
      return [
        ...strangers,
        ...all()
          .filter(({ acknowledged, written }) => acknowledged && written !== 1)
          .map(({ user, written }) => `lost or saved twice: an acknowledged save of ${user} made ${written} versions`),
        ...[...ofForms.values()]
          .filter((written) => written > 1)
          .map((written) => `saved twice: one form made ${written} versions`),
      ]
    },
  }
}
