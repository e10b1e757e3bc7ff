import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const manifest: { version: string; engines: { node: string }; scripts: Record<string, string> } = JSON.parse(
  read('package.json'),
)
const pages = [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md'),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

test('CI runs what contributors run, on the Node of .nvmrc and the Python that the pages name', () => {
  const workflow = read('.github/workflows/ci.yml')
  expect(workflow).toMatch(/^ {6}- run: \.ci\/run$/m)
  expect(workflow).toContain(`node-version: ${read('.nvmrc').trim()}\n`)
  const [, python = ''] = /python-version: ["']([\d.]+)["']/.exec(workflow) ?? []
  for (const page of ['README.md', 'CONTRIBUTING.md']) expect(read(page)).toContain(`Python ${python} with \`venv\``)
  // What is checked out may come from a stranger's branch.
  expect(workflow).toMatch(/^permissions:\n {2}contents: read$/m)
  expect(workflow).not.toContain('pull_request_target')
  expect(read('.ci/run')).toMatch(/^npm ci\n(?:#.*\n)?npm test\b.*\nnpm run test:releases -- --with-npm-test\n/m)
})

test('every npm script that a page names exists', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/npm run (?:--silent |-s )?([\w:]+)/g)].map(([, name = '']) => `${page}: ${name}`),
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((one) => manifest.scripts[one.split(': ')[1] ?? ''] === undefined)).toEqual([])
})

test('every page names the tarball and the tag of this version', () => {
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/mcp-credential-vault-(\d[\w.-]*)\.tgz|git tag --sign v(\S+)/g)].map(
      ([, tarball, tag]) => `${page}: ${tarball ?? tag}`,
    ),
  )
  expect(named.length).toBeGreaterThan(4)
  expect(named.filter((one) => !one.endsWith(`: ${manifest.version}`))).toEqual([])
})

test('the templates send vulnerabilities where SECURITY.md does, and warn of secrets', () => {
  const [, address = ''] = / form\]\((https:[^)]+)\)/.exec(read('SECURITY.md')) ?? []
  expect(address).toMatch(/\/security\/advisories\/new$/)
  expect(read('.github/ISSUE_TEMPLATE/config.yml')).toContain(`url: ${address}\n`)
  for (const file of ['ISSUE_TEMPLATE/bug.yml', 'ISSUE_TEMPLATE/feature.yml', 'pull_request_template.md'])
    expect(read(`.github/${file}`), file).toMatch(/Paste no secret/)
  expect(read('.github/ISSUE_TEMPLATE/bug.yml')).toContain('blob/main/SECURITY.md#report-a-vulnerability')
})

test('.editorconfig says what biome.json and the test of the pages enforce', () => {
  const { formatter }: { formatter: Record<string, unknown> } = JSON.parse(read('biome.json'))
  const section = (name: string) => read('.editorconfig').split(`\n[${name}]\n`)[1]?.split('\n[')[0] ?? ''
  expect(section('*')).toContain(`indent_style = ${formatter['indentStyle']}\n`)
  expect(section('*')).toContain(`indent_size = ${formatter['indentWidth']}\n`)
  expect(section('*')).toContain(`max_line_length = ${formatter['lineWidth']}\n`)
  expect(section('*.md')).toContain('max_line_length = 140\n')
})
