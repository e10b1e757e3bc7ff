import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { FLOW_COLOURS, flowPicture } from '../../scripts/flow-picture/drawing.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const readme = read('README.md')

test('the two commands that everybody tries are blocks of their own', () => {
  for (const command of ['npm ci && npm start', 'npm ci && npm test'])
    expect(readme).toContain(`\`\`\`sh\n${command}\n\`\`\``)
})

test('it installs the tarball that npm pack makes, and names this version', () => {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = JSON.parse(output) as { filename: string; version: string }[]
  expect(readme).toContain(`npm install ./${packed?.filename}\n`)
  expect(readme).toContain(`\nVersion ${packed?.version}.`)
})

test('each picture has a light and a dark file, and words for who does not see it', () => {
  const pictures = [...readme.matchAll(/<picture>([\s\S]*?)<\/picture>/g)].map(([, picture = '']) => picture)
  expect(pictures).toHaveLength(2)
  for (const picture of pictures) {
    const [, dark = ''] = /prefers-color-scheme: dark\)" srcset="([^"]+)"/.exec(picture) ?? []
    const [, light = ''] = /<img src="([^"]+)"/.exec(picture) ?? []
    expect(dark).toBe(light.replace('-light.', '-dark.'))
    for (const file of [dark, light]) expect(existsSync(join(ROOT, file)), file).toBe(true)
    expect(picture).toMatch(/alt="[^"]{40,}"/)
  }
})

test.each(['light', 'dark'] as const)(
  'docs/images/flow-%s.svg is what the script draws; otherwise run: npx tsx scripts/flow-picture.ts',
  (name) => {
    const picture = read(`docs/images/flow-${name}.svg`)
    expect(picture).toBe(flowPicture(name))
    // GitHub shows it as an image, in which nothing is loaded or run.
    expect(picture).not.toMatch(/<script|<style|href=|url\((?!#)/)
    for (const colour of Object.values(FLOW_COLOURS[name])) expect(picture).toContain(colour)
  },
)
