import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LOG_FIELDS } from '../../src/core/host/logger.ts'
import { LABELS, METRICS, SPAN_ATTRIBUTES, SPANS } from '../../src/core/telemetry/metric-catalogue.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/observability.md'), 'utf8')

/** The lines of a section that begin a row of its table or an item of its list, with what continues an item. */
function sectionOf(heading: string): string {
  const start = page.indexOf(`\n## ${heading}\n`)
  expect(start, heading).toBeGreaterThanOrEqual(0)
  const rest = page.slice(start + 1)
  return rest.slice(0, /\n## /.exec(rest)?.index)
}

const ticked = (words: readonly string[]) => words.map((word) => `\`${word}\``).join(', ')

test('the page has every metric that the code declares, with kind, unit, labels and meaning, and no other', () => {
  const items = Object.entries(METRICS).map(([name, { kind, unit, labels, description }]) => {
    const given = labels.length === 0 ? 'no label' : ticked(labels.map((label) => LABELS[label]))
    return `* \`${name}\`: ${kind}, \`${unit}\`; ${given}.\n  ${description}`
  })
  expect(sectionOf('Metrics')).toContain(`\n${items.join('\n')}\n`)
  expect(sectionOf('Metrics').match(/^\* `/gm)).toHaveLength(items.length)
})

test('the page has every label, and no other', () => {
  const rows = sectionOf('Labels').match(/(?<=^\| `)[\w.]+(?=` \|)/gm)
  expect(rows?.toSorted()).toEqual(Object.values(LABELS).toSorted())
})

test('the page has every span with its attributes, and no other', () => {
  const rows = Object.values(SPANS).map(
    ({ name, kind, attributes }) =>
      `* \`${name}\`: ${kind};\n  ${ticked(attributes.map((attribute) => SPAN_ATTRIBUTES[attribute]))}`,
  )
  expect(sectionOf('Traces')).toContain(`\n${rows.join('\n')}\n`)
})

test('the page has every field of a log line with its meaning, and no other', () => {
  const rows = Object.entries(LOG_FIELDS).map(([field, meaning]) => `| \`${field}\` | ${meaning} |`)
  expect(sectionOf('Logs')).toContain(`\n${rows.join('\n')}\n`)
})

test('the page has every alert', () => {
  const alerts = readFileSync(join(ROOT, 'deploy/alerts.yaml'), 'utf8')
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name)
  const rows = sectionOf('Dashboard and alerts').match(/(?<=^\| `)\w+(?=` \|)/gm)
  expect(rows).toEqual(names)
})
