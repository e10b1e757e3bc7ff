import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CHART, checkObjects, render, yamlDocuments } from '../harness/deploy/deploy-tools.ts'
import { blocksOf, shell } from '../harness/processes/run-page-commands.ts'

const PAGE = 'docs/deployment.md'
const text = readFileSync(PAGE, 'utf8')

test("the page's values are good ones, and its helm commands accept them", async () => {
  const folder = mkdtempSync(join(tmpdir(), 'deployment-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [values = ''] = blocksOf(PAGE, 'Kubernetes', 'yaml')
  writeFileSync(join(folder, 'values.yaml'), values)
  const commands = blocksOf(PAGE, 'Kubernetes').join('').replaceAll(CHART, join(process.cwd(), CHART))
  const run = shell(commands, folder, { PATH: `${process.cwd()}/.cache/deploy/bin:${process.env['PATH']}` })
  expect(await run.ended, run.output()).toBe(0)
  const rendered = await render([join(folder, 'values.yaml')])
  expect((await checkObjects(rendered.out)).code).toBe(0)
})

test('every variable in deploy/ is one that the server reads', () => {
  const known = readFileSync('docs/configuration.md', 'utf8')
  const files = readdirSync('deploy', { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const used = files.flatMap((entry) => [
    ...readFileSync(join(entry.parentPath, entry.name), 'utf8').matchAll(/\bMCP_[A-Z][A-Z_]+[A-Z]\b/g),
  ])
  // Read by the Compose file and by set-up.sh.
  const ours = new Set(['MCP_IMAGE', 'MCP_PORT', 'MCP_COMMAND', 'MCP_REDIS_'])
  const names = new Set(used.map(([name]) => name))
  expect(names.size).toBeGreaterThan(15)
  expect([...names].filter((name) => !ours.has(name) && !known.includes(`\`${name}\``))).toEqual([])
})

test('every setting of Dockerfile, Compose file and set-up is on the page, with its default', () => {
  const stages = [...readFileSync('deploy/Dockerfile', 'utf8').matchAll(/^ARG (\w+)=(.*)$/gm)]
  const compose = readFileSync('deploy/compose/compose.yaml', 'utf8').matchAll(/\$\{(\w+):-([^}]+)\}/g)
  const settings = [...stages, ...compose].map(([, name = '', value = '']) => [name, value] as const)
  expect(settings.map(([name]) => name)).toEqual(expect.arrayContaining(['NODE_IMAGE', 'BASE_IMAGE', 'MCP_IMAGE']))
  for (const [name, value] of settings) {
    expect(text, name).toContain(`\`${name}\``)
    if (name.endsWith('_IMAGE')) expect(text, name).toMatch(new RegExp(`\\| \`${name}\` \\|.*\\| \`${value}\` \\|`))
  }
})

test('the sizes are those of the benchmark', () => {
  const performance = readFileSync('docs/performance.md', 'utf8')
  const measured = (name: string, figure: RegExp) =>
    Number(
      (figure.exec(performance.split('\n').find((line) => line.startsWith(`| \`${name}\``)) ?? '') ?? [])[1]?.replace(
        ',',
        '',
      ),
    )
  const promised = (pattern: RegExp) => Number(pattern.exec(text)?.[1]?.replace(',', ''))
  const atRest = measured('memory-at-rest', /\| (\d+) MB/)
  const waiting = measured('waiting-memory', /\((\d+) MB/)
  expect(promised(/at rest \| (\d+) MB/)).toBe(Math.ceil(atRest / 10) * 10)
  expect(promised(/open session \| (\d+) KB/)).toBe(Math.ceil((waiting - atRest) / 100) * 10)
  expect(promised(/about ([\d,]+) a second/)).toBe(
    Math.floor(measured('gated-vs-ungated', /\(([\d,]+)\/s/) / 100) * 100,
  )
})

test("the page's table of directives is what nginx.conf and the chart do", async () => {
  const nginx = readFileSync('deploy/compose/nginx.conf', 'utf8')
  const [{ ingress }] = await yamlDocuments(readFileSync(`${CHART}/values.yaml`, 'utf8'))
  const rows = [...text.matchAll(/^\| `([a-z_]+ [^`]+)`[^|]* \| ([^|]+) \|/gm)]
  expect(rows.length).toBeGreaterThan(6)
  for (const [, directive = '', annotation = ''] of rows) {
    expect(nginx, directive).toContain(directive)
    const [, name, value] = /`([a-z-]+): "?([^"`]+)"?`/.exec(annotation) ?? []
    if (name !== undefined) expect(ingress.mcpAnnotations[`nginx.ingress.kubernetes.io/${name}`]).toBe(value)
  }
})
