import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { type Program, parseSync } from 'oxc-parser'

export interface SourceFile {
  /** Below the tree's root, with slashes. */
  readonly path: string
  readonly folder: string
  readonly lines: number
  readonly program: Program
  readonly text: string
  readonly imports: readonly Import[]
}

export interface Import {
  /** As it is written. */
  readonly specifier: string
  /** The file of this tree that it names; undefined for a package or a file elsewhere. */
  readonly target: string | undefined
}

/** The TypeScript files below `root`, with all that they import, types too. */
export function readSourceTree(root: string): readonly SourceFile[] {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort()
  return paths.map((path) => sourceFile(path, readFileSync(join(root, path), 'utf8'), paths))
}

/** @param paths all files of the tree */
export function sourceFile(path: string, text: string, paths: readonly string[]): SourceFile {
  const { module, program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} cannot be parsed: ${errors[0]?.message}`)
  const specifiers = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) => entries.map(({ moduleRequest }) => moduleRequest?.value ?? '')),
    // Both `await import('x')` and the type `import('x').Y`.
    ...[...text.matchAll(/\bimport\(\s*'([^']+)'/g)].map(([, specifier]) => specifier ?? ''),
  ]
  const imports = [...new Set(specifiers)]
    .filter((specifier) => specifier !== '')
    .map((specifier) => ({ specifier, target: targetOf(path, specifier, paths) }))
  return { path, folder: dirname(path), lines: text.trimEnd().split('\n').length, program, text, imports }
}

function targetOf(path: string, specifier: string, paths: readonly string[]): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const target = posix.join(dirname(path), specifier)
  return paths.includes(target) ? target : undefined
}
