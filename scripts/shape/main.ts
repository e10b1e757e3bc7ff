import { join } from 'node:path'
import { type Shape, shapeOf } from './shape.ts'
import { readSourceTree } from './source-tree.ts'

// npm run shape: the figures of src, and the places behind each of them.
print(shapeOf(readSourceTree(join(import.meta.dirname, '../../src'))))

function print(shape: Shape): void {
  const [largest, size] = [...shape.folderSizes].sort(([, a], [, b]) => b - a)[0] ?? ['none', 0]
  const functions = (kind: 'longFunctions' | 'complexFunctions') =>
    shape[kind].map(({ place, ownLines, complexity }) => `${place}: ${ownLines} own lines, complexity ${complexity}`)
  row('files', shape.files, [])
  row('circles', shape.circles.length, shape.circles)
  row('outward imports', shape.outwardImports.length, shape.outwardImports)
  row('root files', shape.rootFiles.length, shape.rootFiles)
  row('largest folder', size, [largest])
  row('single-importer files under 30 lines', shape.crumbs.length, shape.crumbs)
  row('functions over 60 own lines', shape.longFunctions.length, functions('longFunctions'))
  row('functions with a complexity over 15', shape.complexFunctions.length, functions('complexFunctions'))
  row('files over 300 lines', shape.longFiles.length, shape.longFiles)
  row('median lines of a file', shape.medianLines, [])
}

function row(name: string, figure: number, places: readonly string[]): void {
  console.log(`${name.padEnd(40)}${figure}`)
  for (const place of places) console.log(`  ${place}`)
}
