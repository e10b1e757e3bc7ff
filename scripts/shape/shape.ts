import { circlesOf } from './circles.ts'
import { type FunctionShape, functionsOf } from './functions.ts'
import { fileGraph, folderGraph, importers, outwardImports } from './imports.ts'
import type { SourceFile } from './source-tree.ts'

/** The figures by which the tree is judged. */
export interface Shape {
  readonly files: number
  /** Files that import each other in a circle, and folders. */
  readonly circles: readonly string[]
  readonly outwardImports: readonly string[]
  readonly rootFiles: readonly string[]
  /** Files beside each other, by folder. */
  readonly folderSizes: ReadonlyMap<string, number>
  readonly crumbs: readonly string[]
  readonly longFunctions: readonly FunctionShape[]
  readonly complexFunctions: readonly FunctionShape[]
  readonly longFiles: readonly string[]
  readonly medianLines: number
}

/** A file of fewer lines that one other file imports belongs there, unless it is one security decision. */
export const CRUMB_LINES = 30
export const MOST_FUNCTION_LINES = 60
export const MOST_COMPLEXITY = 15
export const MOST_FILE_LINES = 300

export function shapeOf(files: readonly SourceFile[]): Shape {
  const functions = files.flatMap(functionsOf)
  const used = importers(files)
  const folderSizes = new Map<string, number>()
  for (const { folder } of files) folderSizes.set(folder, (folderSizes.get(folder) ?? 0) + 1)
  const lines = files.map((file) => file.lines).sort((a, b) => a - b)
  const placeOf = ({ path, lines }: { path: string; lines: number }) => `${path} ${lines}`
  return {
    files: files.length,
    circles: [...circlesOf(fileGraph(files)), ...circlesOf(folderGraph(files))].map((circle) => circle.join(' <-> ')),
    outwardImports: outwardImports(files),
    rootFiles: files.filter(({ folder }) => folder === '.').map(({ path }) => path),
    folderSizes,
    crumbs: files.filter((file) => file.lines < CRUMB_LINES && used.get(file.path) === 1).map(placeOf),
    longFunctions: functions.filter(({ ownLines }) => ownLines > MOST_FUNCTION_LINES),
    complexFunctions: functions.filter(({ complexity }) => complexity > MOST_COMPLEXITY),
    longFiles: files.filter((file) => file.lines > MOST_FILE_LINES).map(placeOf),
    medianLines: lines[lines.length >> 1] ?? 0,
  }
}
