import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bringPromtool } from '../../scripts/bring-prometheus.mjs'
import { LABELS, METRICS } from '../../src/core/telemetry/metric-catalogue.ts'
import { prometheusNames } from '../harness/telemetry.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')
const promtool = bringPromtool()
const run = (...parameters: string[]) => {
  const { status, stdout, stderr } = spawnSync(promtool, parameters, { cwd: DEPLOY, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}
const dashboard: { readonly panels: readonly Panel[] } = JSON.parse(
  readFileSync(join(DEPLOY, 'grafana-dashboard.json'), 'utf8'),
)
const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))
const alerts = readFileSync(join(DEPLOY, 'alerts.yaml'), 'utf8')

test('the alert rules are valid, and each fires for what it is about and for nothing else', () => {
  expect(run('check', 'rules', 'alerts.yaml')).toMatchObject({ status: 0 })
  expect(run('test', 'rules', 'alerts.test.yaml')).toEqual({ status: 0, output: expect.stringContaining('SUCCESS') })
})

test('each alert is expected to fire in alerts.test.yaml', () => {
  const tested = readFileSync(join(DEPLOY, 'alerts.test.yaml'), 'utf8')
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name = '']) => name)
  expect(names.length).toBeGreaterThan(5)
  expect(names.filter((name) => !new RegExp(`alertname: ${name}\\n\\s+exp_alerts:\\n`).test(tested))).toEqual([])
})

test('a rule that is wrong is found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rules-'))
  try {
    const wrong = join(folder, 'alerts.yaml')
    writeFileSync(wrong, alerts.replace('absent(', 'absent(('))
    expect(run('check', 'rules', wrong).status).not.toBe(0)
    // A rule that never fires is valid, and its test fails.
    writeFileSync(wrong, alerts.replace('== 1\n        for: 1m', '== 2\n        for: 1m'))
    const rules = join(folder, 'alerts.test.yaml')
    writeFileSync(rules, readFileSync(join(DEPLOY, 'alerts.test.yaml')))
    expect(run('test', 'rules', rules).status).not.toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('every query of the dashboard is valid', () => {
  const folder = mkdtempSync(join(tmpdir(), 'queries-'))
  try {
    const rules = queries.map(({ expr }, at) => ({
      record: `query:${at}`,
      expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'),
    }))
    const file = join(folder, 'queries.yaml')
    // JSON is YAML.
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    expect(run('check', 'rules', file)).toEqual({
      status: 0,
      output: expect.stringContaining(`${rules.length} rules found`),
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe('dashboard and alerts ask only for what there is', () => {
  const names = new Set(Object.keys(METRICS).flatMap((name) => prometheusNames(name)))
  const labels = new Set([...Object.values(LABELS).map((label) => label.replaceAll('.', '_')), 'instance', 'le'])
  const all = [
    ...queries.map(({ expr }) => expr),
    ...[...alerts.matchAll(/expr: (\|\n(?: {10}.*\n)+|.*)/g)].map(([, expr = '']) => expr),
  ]

  test('metrics', () => {
    const asked = new Set(all.flatMap((expr) => expr.match(/\b(?:credential_vault|mcp)_\w+(?=[{[)\s]|$)/g) ?? []))
    const unknown = [...asked].filter((name) => !names.has(name) && !labels.has(name))
    expect(unknown).toEqual([])
    expect(asked.size).toBeGreaterThan(12)
  })

  test('labels', () => {
    const asked = all.flatMap((expr) => [
      ...[...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label = '']) => label),
      ...[...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/)),
    ])
    expect(asked.length).toBeGreaterThan(30)
    expect(asked.filter((label) => !labels.has(label))).toEqual([])
  })

  test('variables', () => {
    const { templating } = JSON.parse(readFileSync(join(DEPLOY, 'grafana-dashboard.json'), 'utf8'))
    // Grafana's own begin with two underscores.
    const asked = new Set(queries.flatMap(({ expr }) => expr.match(/\$(?!__)\w+/g) ?? []))
    expect(asked.size).toBeGreaterThan(0)
    expect([...asked]).toEqual(
      templating.list
        .filter(({ type }: { type: string }) => type !== 'datasource')
        .map(({ name }: { name: string }) => `$${name}`),
    )
  })

  test('every metric is on the dashboard', () => {
    const shown = queries.map(({ expr }) => expr).join('\n')
    const unseen = Object.keys(METRICS).filter((name) => !prometheusNames(name).some((one) => shown.includes(one)))
    expect(unseen).toEqual([])
  })
})
