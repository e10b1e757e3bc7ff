import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { circlesOf } from '../scripts/shape/circles.ts'
import { functionsOf } from '../scripts/shape/functions.ts'
import { outwardImports, packageOf } from '../scripts/shape/imports.ts'
import { CONFINED, isBelow, LAYERS, layerOf } from '../scripts/shape/layers.ts'
import { shapeOf } from '../scripts/shape/shape.ts'
import { readSourceTree, sourceFile } from '../scripts/shape/source-tree.ts'

const files = readSourceTree(join(import.meta.dirname, '../src'))
const shape = shapeOf(files)

describe('layers', () => {
  test('every folder has a layer, and the layers name no folder that is gone', () => {
    const folders = new Set(files.map(({ folder }) => folder))
    expect([...folders].filter((folder) => !layerOf(folder))).toEqual([])
    const gone = Object.keys(LAYERS).filter((layer) => ![...folders].some((folder) => isBelow(folder, layer)))
    expect(gone).toEqual([])
  })

  test('there are imports to judge', () => {
    expect(files.flatMap(({ imports }) => imports).filter(({ target }) => target).length).toBeGreaterThan(100)
  })

  test('each file imports only what its layer may', () => {
    expect(shape.outwardImports).toEqual([])
  })

  test('neither files nor folders import each other in a circle', () => {
    expect(shape.circles).toEqual([])
  })

  test.each(Object.entries(CONFINED))('%s is used in %s alone', (name, file) => {
    const users = files.filter(({ imports }) => imports.some(({ specifier }) => packageOf(specifier) === name))
    expect(users.map(({ path }) => path)).toEqual([file])
  })

  test('the library never reaches for test code, samples or the conformance suites', () => {
    const library = files.filter(({ folder }) => !isBelow(folder, 'testing'))
    const wrong = library
      .flatMap(({ imports }) => imports)
      .filter(({ specifier }) => /testing|examples|test\//.test(specifier))
    expect(wrong).toEqual([])
  })
})

test('what people copy from the examples reaches for no test code: the demo alone does', () => {
  const folder = join(import.meta.dirname, '../examples')
  const examples = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const users = examples.filter((file) =>
    /'(?:\.\.\/)+(?:test|scripts)\//.test(readFileSync(join(folder, file), 'utf8')),
  )
  expect(users).toEqual(['tickets/demo-backend.ts'])
})

describe('shape, as npm run shape prints it', () => {
  test('the root has index.ts alone', () => {
    expect(shape.rootFiles).toEqual(['index.ts'])
  })

  test('no folder has more than 16 files beside each other', () => {
    expect([...shape.folderSizes].filter(([, size]) => size > 16)).toEqual([])
  })

  test('no file has more than 300 lines, and the median is between 60 and 150', () => {
    expect(shape.longFiles).toEqual([])
    expect(shape.medianLines).toBeGreaterThanOrEqual(60)
    expect(shape.medianLines).toBeLessThanOrEqual(150)
  })

  test('at most ten files of under 30 lines have a single importer', () => {
    expect(shape.crumbs.length, shape.crumbs.join('\n')).toBeLessThanOrEqual(10)
  })

  test('at most ten functions have more than 60 lines of their own', () => {
    expect(shape.longFunctions.length).toBeLessThanOrEqual(10)
  })

  test('no function has a complexity over 15', () => {
    expect(shape.complexFunctions).toEqual([])
  })

  test('no folder or file is a dump', () => {
    const dump = /(^|\/)(utils?|helpers?|common|types|misc|shared)(\/|\.ts$)/
    expect(files.filter(({ path }) => dump.test(path)).map(({ path }) => path)).toEqual([])
  })
})

describe('what judges the shape sees what is there', () => {
  const of = (path: string, text: string, paths: readonly string[] = []) => sourceFile(path, text, [path, ...paths])

  test('circles of imports, of types too', () => {
    const graph = new Map([
      ['a', new Set(['b'])],
      ['b', new Set(['c'])],
      ['c', new Set(['a'])],
      ['d', new Set(['a'])],
    ])
    expect(circlesOf(graph)).toEqual([['a', 'b', 'c']])
    const file = of('core/model/a.ts', "import type { B } from './b.ts'\ntype C = import('./c.ts').C", [
      'core/model/b.ts',
    ])
    expect(file.imports).toEqual([
      { specifier: './b.ts', target: 'core/model/b.ts' },
      { specifier: './c.ts', target: undefined },
    ])
  })

  test('imports of a layer above, of a package that is not allowed, and of a file that is not there', () => {
    const gate = of('core/gate/gate.ts', '')
    const model = of(
      'core/model/owner.ts',
      "import '../gate/gate.ts'\nimport 'koa'\nexport * from '../gone.ts'\nimport 'node:fs'\nimport 'fs'",
      ['core/gate/gate.ts'],
    )
    const specifiers = ['../gate/gate.ts', 'koa', '../gone.ts', 'fs']
    expect([...outwardImports([gate, model])].sort()).toEqual(
      specifiers.map((specifier) => `core/model/owner.ts -> ${specifier}`).sort(),
    )
  })

  test("a function's own lines and forks, without those of functions in it", () => {
    const text = `function outer(a) {
  const inner = () => {
    if (a) return 1
    return 2
  }
  return a ? inner() : a?.b ?? 0
}`
    expect(functionsOf(of('a.ts', text))).toEqual([
      { place: 'a.ts:2 inner', ownLines: 4, complexity: 2 },
      { place: 'a.ts:1 outer', ownLines: 5, complexity: 4 },
    ])
  })
})
