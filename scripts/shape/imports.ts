import { builtinModules } from 'node:module'
import type { Graph } from './circles.ts'
import { isBelow, layerOf } from './layers.ts'
import type { Import, SourceFile } from './source-tree.ts'

/** Which files each file imports. */
export function fileGraph(files: readonly SourceFile[]): Graph {
  return new Map(files.map(({ path, imports }) => [path, new Set(imports.flatMap(({ target }) => target ?? []))]))
}

/** Which folders each folder's files import. A folder inside another one is a folder of its own. */
export function folderGraph(files: readonly SourceFile[]): Graph {
  const folderOf = new Map(files.map(({ path, folder }) => [path, folder]))
  const graph = new Map<string, Set<string>>()
  for (const { folder, imports } of files) {
    const reached = graph.get(folder) ?? new Set()
    graph.set(folder, reached)
    for (const { target } of imports) {
      const other = target === undefined ? undefined : folderOf.get(target)
      if (other !== undefined && other !== folder) reached.add(other)
    }
  }
  return graph
}

/** Imports that a file's layer does not allow, as `file -> import`. */
export function outwardImports(files: readonly SourceFile[]): readonly string[] {
  const folderOf = new Map(files.map(({ path, folder }) => [path, folder]))
  return files.flatMap((file) =>
    file.imports
      .filter((found) => !isAllowed(file, found, folderOf))
      .map(({ specifier }) => `${file.path} -> ${specifier}`),
  )
}

function isAllowed(
  { folder }: SourceFile,
  { specifier, target }: Import,
  folders: ReadonlyMap<string, string>,
): boolean {
  const [name, layer] = layerOf(folder) ?? []
  if (name === undefined || !layer) return false
  if (specifier.startsWith('node:')) return true
  if (!specifier.startsWith('.')) {
    return !builtinModules.includes(specifier) && layer.packages.includes(packageOf(specifier))
  }
  const reached = target === undefined ? undefined : folders.get(target)
  if (reached === undefined) return false
  return [name, ...layer.folders].some(
    (allowed) => reached === allowed || (allowed !== '.' && isBelow(reached, allowed)),
  )
}

/** The npm package that a specifier names. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** How many files import each file. */
export function importers(files: readonly SourceFile[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { imports } of files) {
    for (const { target } of imports) if (target !== undefined) counts.set(target, (counts.get(target) ?? 0) + 1)
  }
  return counts
}
