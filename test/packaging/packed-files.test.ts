import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { judgePacked, usedModules, usedTemplates } from '../../scripts/packed-files.mjs'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const manifest = JSON.parse(read('package.json')) as {
  dependencies: Record<string, string>
  peerDependencies: Record<string, string>
  peerDependenciesMeta: Record<string, { optional: boolean }>
}

function packed(): string[] {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [tarball] = JSON.parse(output) as { files: { path: string }[] }[]
  return (tarball?.files ?? []).map(({ path }) => path)
}

test('the tarball holds what somebody can import, start or read, and nothing else', () => {
  const files = packed()
  expect(files.length).toBeGreaterThan(200)
  expect(judgePacked(ROOT, files)).toEqual({ unused: [], missing: [] })
})

test('a file that nobody reaches, and one that is missing, are told', () => {
  const used = [...usedModules(ROOT), ...usedTemplates(ROOT), 'package.json', 'README.md', 'LICENSE', 'SECURITY.md']
  expect(judgePacked(ROOT, [...used, 'dist/left-over.js'])).toEqual({
    unused: ['dist/left-over.js'],
    missing: ['CHANGELOG.md'],
  })
})

test('every package that the code imports is a dependency, or an optional peer', () => {
  const imported = new Set(
    [...usedModules(ROOT)]
      .filter((path) => path.endsWith('.js'))
      .flatMap((path) => [...read(path).matchAll(/(?:\bfrom |\bimport\()'((?:@[\w-]+\/)?\w[\w.-]*)(?:\/[^']*)?'/g)])
      .map(([, name = '']) => name),
  )
  const known = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)]
  expect(imported.size).toBeGreaterThan(10)
  expect([...imported].filter((name) => !known.includes(name))).toEqual([])
  for (const name of Object.keys(manifest.peerDependencies)) {
    expect(imported, name).toContain(name)
    expect(manifest.peerDependenciesMeta[name]).toEqual({ optional: true })
  }
})

test('a declaration that is packed names no package that may be missing', () => {
  const declarations = [...usedModules(ROOT)].filter((path) => path.endsWith('.d.ts') && !path.startsWith('dist/mcp/'))
  const foreign = declarations.filter((path) =>
    /['"](?:node-vault|@aws-sdk|koa-body|ejs|@modelcontextprotocol)/.test(read(path)),
  )
  expect(foreign).toEqual([])
})
