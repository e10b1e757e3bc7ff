import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { documents, judgePacked, usedModules, usedTemplates } from '../../scripts/packed-files.mjs'

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
  const used = [
    ...usedModules(ROOT),
    ...usedTemplates(ROOT),
    'package.json',
    'README.md',
    'LICENSE',
    'SECURITY.md',
    ...documents(ROOT),
  ]
  expect(judgePacked(ROOT, [...used, 'dist/left-over.js'])).toEqual({
    unused: ['dist/left-over.js'],
    missing: ['CHANGELOG.md'],
  })
})

test('every package that the code imports is a dependency, or an optional peer', () => {
  const imported = new Set(
    [...usedModules(ROOT)]
      .filter((path) => path.endsWith('.js'))
      // The examples in comments import the package itself.
      .map((path) => read(path).replace(/\/\*\*[\s\S]*?\*\//g, ''))
      .flatMap((text) => [...text.matchAll(/(?:\bfrom |\bimport\()'((?:@[\w-]+\/)?\w[\w.-]*)(?:\/[^']*)?'/g)])
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

test('Packing: no prepare in the tarball, docs and policy files in it, repository, bugs and homepage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'packed-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const run = (command: string, parameters: readonly string[], cwd = ROOT) =>
    execFileSync(command, parameters, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder])
  const [tarball = ''] = readdirSync(folder)
  run('tar', ['-xzf', tarball], folder)
  const inside = (path: string) => readFileSync(join(folder, 'package', path), 'utf8')
  const { scripts, repository, bugs, homepage } = JSON.parse(inside('package.json'))
  // npm runs these for whoever installs it.
  for (const name of ['prepare', 'preinstall', 'install', 'postinstall'])
    expect(Object.keys(scripts)).not.toContain(name)
  const home = 'https://github.com/mcp-credential-vault/mcp-credential-vault'
  expect(repository).toEqual({ type: 'git', url: `git+${home}.git` })
  expect(bugs).toEqual({ url: `${home}/issues` })
  expect(homepage).toBe(`${home}#readme`)
  expect(documents(ROOT).filter((path) => path.startsWith('docs/backends/policies/')).length).toBeGreaterThan(5)
  for (const path of documents(ROOT).filter((name) => !name.endsWith('.png')))
    expect(inside(path), path).toBe(read(path))
})
