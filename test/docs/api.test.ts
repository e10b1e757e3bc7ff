import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apiPage } from '../../scripts/api-reference/page.ts'
import { readMentioned, readPublicApi } from '../../scripts/api-reference/public-api.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/api.md'), 'utf8')

/** The part of the page that begins with a heading, up to the next one of its level. */
function part(heading: string): string {
  const [, level = ''] = /^(#+) /.exec(heading) ?? []
  const start = page.indexOf(`\n${heading}\n`)
  expect(start, heading).toBeGreaterThan(0)
  const rest = page.slice(start + heading.length + 2)
  return rest.slice(0, new RegExp(`^#{1,${level.length}} `, 'm').exec(rest)?.index)
}

test('docs/api.md is what the docstrings say; otherwise run: npm run docs:api', () => {
  expect(page).toBe(apiPage(ROOT))
})

test('every function and class that can be imported is on the page, with a docstring', async () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { exports: object }
  for (const subpath of Object.keys(exports).filter((name) => name !== './package.json')) {
    const module: object = await import(join('mcp-credential-vault', subpath))
    const text = part(`## ${join('mcp-credential-vault', subpath)}`)
    const also = /^Also exported here: (.*)$/m.exec(text)?.[1] ?? ''
    expect(Object.keys(module).length).toBeGreaterThan(0)
    for (const name of Object.keys(module).filter((name) => !also.includes(`\`${name}\``)))
      expect(text, name).toMatch(new RegExp(`^### ${name}\\n\\n[A-Z]`, 'm'))
  }
})

test('declarations are found where they are, whole, with what they mention', () => {
  const declarations = new Map([
    [
      'index.ts',
      "/**\n * Does things.\n *\n * @module x\n */\nexport { make, type Shape } from './shapes.ts';\nexport type { Far } from './on.ts';\n",
    ],
    ['on.ts', "export type { Far } from './far.ts';\n"],
    ['far.ts', "export type Far = {\n    a: 1;\n} | 'far';\nexport type FarAway = 2;\n"],
    [
      'shapes.ts',
      "import type { Corner } from './corner.ts';\n/** A shape; its `}` is here. */\nexport interface Shape {\n    /** See {@link Corner}: } */\n    readonly corners: readonly Corner[];\n}\nexport declare function make(of: 'square'): Shape;\nexport declare function make(of: 'round', options?: {\n    size: number;\n}): Shape;\n",
    ],
    ['corner.ts', 'export interface Corner {\n    x: number;\n}\n'],
  ])
  const entries = readPublicApi('pkg', new Map([['./x', 'index.ts']]), declarations)
  expect(entries).toMatchObject([{ specifier: 'pkg/x', doc: 'Does things.' }])
  const symbols = new Map(entries[0]?.symbols.map((symbol) => [symbol.name, symbol]))
  expect([...symbols.keys()]).toEqual(['make', 'Shape', 'Far'])
  expect(symbols.get('make')?.code.split('\n')).toHaveLength(4)
  expect(symbols.get('Shape')).toMatchObject({ doc: 'A shape; its `}` is here.', file: 'shapes.ts' })
  expect(symbols.get('Shape')?.code).toMatch(/corners: readonly Corner\[\];\n\}$/)
  expect(symbols.get('Far')?.code).toBe("export type Far = {\n    a: 1;\n} | 'far';")
  expect(readMentioned(entries, declarations).map(({ name }) => name)).toEqual(['Corner'])
})
