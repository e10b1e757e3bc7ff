import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CONFINED } from '../../scripts/shape/layers.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const pages = [
  ...readdirSync(ROOT).filter((file) => file.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

/** As GitHub makes them. */
const anchorsOf = (text: string) =>
  [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

describe.each(pages)('%s', (page) => {
  const text = read(page)

  test('links lead to pages and headings that exist', () => {
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), path)
      expect(existsSync(file), target).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(readFileSync(file, 'utf8')), target).toContain(anchor)
    }
  })

  test('files of the project that it names exist', () => {
    for (const [path] of text.matchAll(/\b(?:src|test|examples|scripts)\/[\w./-]+\.(?:ts|mjs)\b/g)) {
      expect(existsSync(join(ROOT, path)), path).toBe(true)
    }
  })

  test('commands of ours are called as a project finds them, with npx, or as the image does', () => {
    const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block)
    for (const block of blocks)
      expect(block).not.toMatch(/(?<!npx |node_modules\/(?:\.bin\/)?|@|server-\d )\bmcp-credential-vault [a-z]/)
  })

  test('no line is longer than 140 characters', () => {
    expect(text.split('\n').filter((line) => [...line].length > 140)).toEqual([])
  })
})

test('every error code has a heading in docs/troubleshooting.md, and no other has', () => {
  const codes = [...read('src/core/model/errors.ts').matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, code = '']) => code)
  const headings = [...read('docs/troubleshooting.md').matchAll(/^## ([a-z_]+)$/gm)].map(([, heading = '']) => heading)
  expect(codes.length).toBeGreaterThan(20)
  expect(headings.sort()).toEqual(codes.sort())
})

test('every reason that src gives with a code is in the section of that code', () => {
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => read(`src/${file}`))
  const given = sources.flatMap((text) => [
    ...text.matchAll(/CredentialVaultError\(\s*'(\w+)',(?:(?!CredentialVaultError\()[\s\S]){0,600}?\breason: '(\w+)'/g),
  ])
  expect(given.length).toBeGreaterThan(80)
  const sections = read('docs/troubleshooting.md').split(/^## /m)
  const sectionOf = (code: string) => sections.find((section) => section.startsWith(`${code}\n`)) ?? ''
  const untold = given.filter(([, code = '', reason = '']) => !sectionOf(code).includes(`\`${reason}\``))
  expect([...new Set(untold.map(([, code, reason]) => `${code}: ${reason}`))]).toEqual([])
})

test('every guarantee in SECURITY.md names a test', () => {
  const guarantees = read('SECURITY.md')
    .split(/^## /m)
    .find((part) => part.startsWith('Guarantees'))
    ?.split(/^\d+\. /m)
    .slice(1)
  expect(guarantees).toHaveLength(11)
  for (const guarantee of guarantees ?? []) expect(guarantee).toMatch(/`test\/[\w/-]+\.test\.ts`/)
})

test('the libraries that SECURITY.md calls confined are those of the architecture test', () => {
  const confined = Object.entries(CONFINED)
  expect(confined.length).toBeGreaterThan(3)
  for (const [name, file] of confined)
    expect(read('SECURITY.md')).toMatch(new RegExp(`\\| ${name} \\|.*\`src/${file}\``))
})
