import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { shownPath } from '../../core/host/shown-path.ts'
import type { CheckedProxyConfig, UpstreamConfig } from './proxy-config.ts'

/** A problem of a configuration, at the option that it is about. */
export interface ConfigProblem {
  readonly path: readonly string[]
  readonly message: string
}

/** Returns the file with the accepted lists of an upstream. */
export function snapshotFileOf(name: string, { snapshot }: Pick<UpstreamConfig, 'snapshot'>): string {
  return snapshot ?? `${name}.snapshot.json`
}

/** Returns the configuration with the files that it names below this folder, unless they are absolute. */
export function withFilesFrom(config: CheckedProxyConfig, folder: string): CheckedProxyConfig {
  const below = (file: string) => resolve(folder, file)
  const upstreams = Object.entries(config.upstreams).map(([name, upstream]): [string, UpstreamConfig] => {
    const { tls, discovery, ...others } = upstream
    return [
      name,
      {
        ...others,
        ...(upstream.catalogue === 'snapshot' && { snapshot: below(snapshotFileOf(name, upstream)) }),
        ...(tls && { tls: mapped(tls, below) }),
        ...(discovery && {
          discovery: Object.fromEntries(
            Object.entries(discovery).map(([field, place]) => [
              field,
              'file' in place ? { file: below(place.file) } : place,
            ]),
          ),
        }),
      },
    ]
  })
  const { children } = config
  return {
    ...config,
    upstreams: Object.fromEntries(upstreams),
    ...(children && { children: mapped(children, below) }),
  }
}

function mapped<T extends object>(files: T, below: (file: string) => string): T {
  const entries = Object.entries(files).map(([name, file]) => [name, typeof file === 'string' ? below(file) : file])
  return Object.fromEntries(entries) as T
}

/** Names a file in a message. People put a key or a token where the name of its file belongs. */
export function shownFile(file: string): string {
  return shownPath(file) ?? 'The file that is named (not shown, since it may be a secret in place of a path)'
}

/** Reads a file that an upstream names. The result is its text, or the problem for the operator. */
export function fileText(path: readonly string[], file: string): { readonly text: string } | ConfigProblem {
  try {
    return { text: readFileSync(file, 'utf8') }
  } catch {
    return { path, message: `${shownFile(file)} cannot be read. Check that it exists, and that this user may read it.` }
  }
}
