import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { CredentialVaultError } from '../../core/model/errors.ts'
import { isJsonObject } from '../../core/model/json.ts'

/** One tool, prompt or resource as the upstream described it when the operator looked. */
export interface SnapshotEntry {
  /** SHA-256 of the entry, in base64url. */
  readonly hash: string
  readonly entry: Readonly<Record<string, unknown>>
}

/** What an upstream said about itself, as the operator has accepted it. It holds no secret. */
export interface Snapshot {
  readonly format: 1
  readonly takenAt: string
  /** The result of `initialize`. */
  readonly initialize: Readonly<Record<string, unknown>>
  readonly tools: readonly SnapshotEntry[]
  readonly prompts: readonly SnapshotEntry[]
  readonly resources: readonly SnapshotEntry[]
  readonly resourceTemplates: readonly SnapshotEntry[]
}

export type SnapshotList = 'tools' | 'prompts' | 'resources' | 'resourceTemplates'

/** The member that names an entry of each list. */
export const NAMED_BY = { tools: 'name', prompts: 'name', resources: 'uri', resourceTemplates: 'uriTemplate' } as const
export const SNAPSHOT_LISTS: readonly SnapshotList[] = ['tools', 'prompts', 'resources', 'resourceTemplates']

const entries = z.array(z.strictObject({ hash: z.string(), entry: z.record(z.string(), z.unknown()) }))
const snapshotSchema = z.strictObject({
  format: z.literal(1),
  takenAt: z.string(),
  initialize: z.record(z.string(), z.unknown()),
  ...{ tools: entries, prompts: entries, resources: entries, resourceTemplates: entries },
})

export function snapshotEntry(entry: Readonly<Record<string, unknown>>): SnapshotEntry {
  return { hash: hashOf(entry), entry }
}

/** Returns the same hash for the same JSON, whatever the order of its members. */
export function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(ordered(value)))
    .digest('base64url')
}

/** @throws `configuration_invalid` for a file that cannot be read, is no snapshot, or was changed by hand */
export function readSnapshot(file: string): Snapshot {
  const parsed = snapshotSchema.safeParse(contentOf(file))
  if (!parsed.success) throw invalid(file, 'is no snapshot of an upstream. Take a new one')
  const snapshot = parsed.data
  for (const list of SNAPSHOT_LISTS)
    for (const { hash, entry } of snapshot[list])
      if (hash !== hashOf(entry)) throw invalid(file, 'has an entry that does not match its hash. Take a new one')
  return snapshot
}

/** One difference between two snapshots, for the operator who accepts it. */
export interface SnapshotChange {
  readonly kind: 'added' | 'removed' | 'changed'
  readonly list: SnapshotList | 'instructions'
  readonly name: string
}

/**
 * Returns what an operator accepts by putting `next` in place of `before`.
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs'
 * import { readProxyConfig, snapshotChanges, takeProxySnapshot } from 'mcp-credential-vault/proxy'
 *
 * const next = await takeProxySnapshot(readProxyConfig('proxy.yaml'), 'gitlab', { pat: process.env['GITLAB_TOKEN'] ?? '' })
 * console.table(snapshotChanges(JSON.parse(readFileSync('gitlab.snapshot.json', 'utf8')), next))
 * ```
 */
export function snapshotChanges(before: Snapshot, next: Snapshot): readonly SnapshotChange[] {
  const changes: SnapshotChange[] = []
  for (const list of SNAPSHOT_LISTS) {
    const [old, now] = [byName(before, list), byName(next, list)]
    for (const [name, hash] of now) {
      const known = old.get(name)
      if (known !== hash) changes.push({ kind: known === undefined ? 'added' : 'changed', list, name })
    }
    for (const name of old.keys()) if (!now.has(name)) changes.push({ kind: 'removed', list, name })
  }
  if (hashOf([before.initialize['instructions']]) !== hashOf([next.initialize['instructions']]))
    changes.push({ kind: 'changed', list: 'instructions', name: '' })
  return changes
}

export function nameIn(list: SnapshotList, entry: Readonly<Record<string, unknown>>): string {
  const name = entry[NAMED_BY[list]]
  return typeof name === 'string' ? name : ''
}

function byName(snapshot: Snapshot, list: SnapshotList): ReadonlyMap<string, string> {
  return new Map(snapshot[list].map(({ hash, entry }) => [nameIn(list, entry), hash]))
}

function contentOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    throw invalid(file, 'cannot be read, or is no JSON. Take a snapshot of the upstream')
  }
}

function invalid(file: string, problem: string): CredentialVaultError {
  return new CredentialVaultError('configuration_invalid', `snapshot: ${file} ${problem}.`, { reason: 'option' })
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (!isJsonObject(value)) return value ?? null
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  // Pairs, because an object would put members that look like numbers first.
  return { members: members.map(([name, member]) => [name, ordered(member)]) }
}
