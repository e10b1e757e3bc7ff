import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { CredentialVaultError } from '../../core/model/errors.ts'
import type { CredentialValues } from '../../core/model/variables.ts'
import { readSnapshot, type Snapshot, type SnapshotChange, snapshotChanges } from '../../proxy/catalogue/snapshot.ts'
import { snapshotFileOf } from '../../proxy/config/config-files.ts'
import type { CheckedProxyConfig, UpstreamConfig } from '../../proxy/config/proxy-config.ts'
import { discoveryValues } from '../../proxy/config/upstream-files.ts'
import { takeProxySnapshot } from './take-proxy-snapshot.ts'

/** What was found, beside what is accepted. */
export interface TakenSnapshot {
  readonly file: string
  readonly next: Snapshot
  /** Undefined if nothing was accepted before, so that `next` is accepted now. */
  readonly before: Snapshot | undefined
  readonly changes: readonly SnapshotChange[]
  /** Holds what was found, until it is accepted. Only there if something has changed. */
  readonly waiting: string | undefined
}

/**
 * Takes a snapshot. The first one is accepted. A later one that differs is put beside the accepted one, for the operator to look at.
 *
 * @throws what `takeProxySnapshot` throws; `configuration_invalid` for an accepted file that is damaged
 */
export async function takeIntoFile(
  config: CheckedProxyConfig,
  name: string,
  values: CredentialValues,
): Promise<TakenSnapshot> {
  const file = fileOf(config, name)
  const before = existsSync(file) ? readSnapshot(file) : undefined
  const next = await takeProxySnapshot(config, name, values)
  const changes = before ? snapshotChanges(before, next) : []
  const waiting = changes.length > 0 ? waitingFile(file) : undefined
  if (!before) write(file, next)
  else if (waiting !== undefined) write(waiting, next)
  // What waited before is not what the server lists now.
  else rmSync(waitingFile(file), { force: true })
  return { file, next, before, changes, waiting }
}

/**
 * Accepts what the last snapshot found. The server is not asked again: it might say something else than what the operator has read.
 *
 * @throws `configuration_invalid` if nothing waits, or if it was changed by hand
 */
export function acceptWaiting(config: CheckedProxyConfig, name: string): { readonly file: string } {
  const file = fileOf(config, name)
  const waiting = waitingFile(file)
  if (!existsSync(waiting))
    throw new CredentialVaultError(
      'configuration_invalid',
      `${name}: no snapshot waits to be accepted. Take one first, without --accept.`,
      { reason: 'option' },
    )
  readSnapshot(waiting)
  renameSync(waiting, file)
  return { file }
}

/** Returns the operator's own values from the places that the configuration names, or undefined if it names none. */
export function configuredValues(
  config: CheckedProxyConfig,
  name: string,
  environment: NodeJS.ProcessEnv,
): CredentialValues | undefined {
  const upstream = upstreamOf(config, name)
  if (!upstream.discovery) return undefined
  const problems: Parameters<typeof discoveryValues>[2] = []
  const values = discoveryValues(upstream, environment, problems)
  if (problems.length === 0) return values
  const lines = problems.map(({ path, message }) => `upstreams.${name}.${path.join('.')}: ${message}`)
  throw new CredentialVaultError('configuration_invalid', lines.join('\n'), { reason: 'option' })
}

function upstreamOf({ upstreams }: CheckedProxyConfig, name: string): UpstreamConfig {
  const upstream = upstreams[name]
  if (!upstream) throw new TypeError('upstreamNames() has checked the name')
  return upstream
}

function fileOf(config: CheckedProxyConfig, name: string): string {
  const upstream = upstreamOf(config, name)
  if (upstream.catalogue === 'snapshot') return snapshotFileOf(name, upstream)
  throw new CredentialVaultError(
    'configuration_invalid',
    `upstreams.${name}.catalogue: it is ${upstream.catalogue}, which reads no snapshot. Set it to snapshot, or leave it out.`,
    { reason: 'option' },
  )
}

function waitingFile(file: string): string {
  return `${file}.new`
}

/** Replaces the file as a whole, so that a proxy that reloads meanwhile never reads half of it. */
function write(file: string, snapshot: Snapshot): void {
  const part = `${file}.${process.pid}.part`
  try {
    writeFileSync(part, `${JSON.stringify(snapshot, undefined, 2)}\n`)
    renameSync(part, file)
  } catch {
    rmSync(part, { force: true })
    throw new CredentialVaultError(
      'configuration_invalid',
      `${file} cannot be written. Let this user write to its folder.`,
      { reason: 'file' },
    )
  }
}

/** Returns the text that a model reads of an entry, for the operator to compare. */
export function descriptionIn(snapshot: Snapshot, { list, name }: SnapshotChange): string {
  if (list === 'instructions') return textOf(snapshot.initialize['instructions'])
  const found = snapshot[list].find(({ entry }) => [entry['name'], entry['uri'], entry['uriTemplate']].includes(name))
  return textOf(found?.entry['description'])
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
