import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const page = read('docs/proxy-recipes.md')

test('the page names the versions that the tests run', () => {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    read('scripts/published-servers/package.json'),
  )
  const npm = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`)
  const [, packages = ''] =
    /^# (mcp-atlassian==.*), for Python/m.exec(read('scripts/published-servers/requirements.txt')) ?? []
  const python = packages.split(' and ')
  expect(npm.length + python.length).toBe(5)
  for (const one of [...npm, ...python]) expect(page).toContain(one)
  for (const one of python) expect(read('scripts/published-servers/requirements.txt')).toContain(`\n${one} \\\n`)
})

test('every recipe of the page is run by a test', () => {
  const recipes = page
    .split(/^## /m)
    .filter((section) => section.includes('```yaml'))
    .map((section) => section.split('\n')[0] ?? '')
  expect(recipes.length).toBeGreaterThan(6)
  const folder = 'test/proxy/recipes'
  const tests = existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder)) : []
  const run = tests.map((name) => read(`${folder}/${name}`)).join('\n')
  expect(recipes.filter((heading) => !run.includes(`heading: '${heading}'`))).toEqual([])
})
