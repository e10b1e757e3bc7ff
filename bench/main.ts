import { parseArgs } from 'node:util'
import { auditMeasures } from './audit.ts'
import { crossingMeasures } from './crossings.ts'
import { mcpMeasures, rememberedMeasures } from './mcp.ts'
import type { Measure } from './measure.ts'
import { proxyMeasures } from './proxy/measures.ts'
import { replicaMeasures } from './replicas/measures.ts'
import { sealedFileMeasures } from './sealed-file.ts'
import { startMeasures } from './start.ts'
import { vendorMeasures } from './vendors.ts'
import { waitingMeasures } from './waiting.ts'

const NAMES = [
  'gated-vs-ungated',
  'gated-cpu-vs-ungated',
  'gated-added-p50',
  'gated-vs-ungated-v2',
  'gated-vs-ungated-remembered',
  'gated-vs-ungated-v2-remembered',
  'submit-to-wake-p50',
  'submit-to-wake-p99',
  'form-pairs',
  'submit-to-wake-replica-p50',
  'submit-to-wake-replica-p99',
  'revoke-to-refused-replica',
  'redis-ops-per-collection',
  'sealed-read-1k',
  'sealed-read-100k',
  'sealed-save-1k',
  'sealed-save-100k',
  'start-to-first-page',
  'memory-at-rest',
  'waiting-memory',
  'waiting-wake-p99',
  'waiting-cpu',
  'waiting-10k-redis',
  'waiting-10k-redis-wake-p99',
  'waiting-10k-redis-cpu',
  'waiting-10k-redis-ops',
  'audit-durable-1',
  'audit-durable-16',
  'audit-durable-128',
  'audit-verify',
  'vault-read-vs-raw',
  'aws-read-vs-raw',
  'crossing-search-64k',
  'cached-read',
  'cached-reads',
  'gated-vs-ungated-vault',
  'gated-vs-ungated-aws-secrets-manager',
  'proxy-http-added-p50',
  'proxy-http-cpu-vs-relay',
  'proxy-stdio-added-p50',
  'proxy-cold-start',
  'proxy-session-memory',
  'proxy-vs-supergateway-p50',
  'proxy-vs-supergateway-calls',
  'proxy-vs-supergateway-memory',
  'proxy-vs-mcp-proxy-p50',
  'proxy-vs-mcp-proxy-calls',
  'proxy-vs-mcp-proxy-memory',
] as const

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    seconds: { type: 'string', default: '10' },
    peer: { type: 'boolean', default: false },
    waiting: { type: 'string', default: '10000' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(
    `npm run bench -- [--json] [--peer] [--only NAME]… [--seconds N] [--waiting N]\n\nNames: ${NAMES.join(', ')}\n--seconds is the time for each group of measures, default 10. --peer also measures the published mcp-authkit. --waiting is how many calls wait at once, default 10000.`,
  )
  process.exit(0)
}
const unknown = values.only.filter((name) => !NAMES.some((known) => known === name))
const seconds = Number(values.seconds)
const waiting = Number(values.waiting)
if (unknown.length > 0 || !(seconds > 0 && seconds <= 3600) || !(waiting >= 1 && waiting <= 15_000)) {
  console.error(
    unknown.length > 0
      ? `There is no such measure. Names: ${NAMES.join(', ')}`
      : '--seconds is a number from 0 to 3600, --waiting one from 1 to 15000',
  )
  process.exit(2)
}
const wanted = (name: string) => values.only.length === 0 || values.only.includes(name)

// Only an exit of our own ends the servers that were started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const measures: Measure[] = []
const ofMcp: readonly string[] = [
  'gated-vs-ungated',
  'gated-cpu-vs-ungated',
  'gated-added-p50',
  'gated-vs-ungated-v2',
  'submit-to-wake-p50',
  'submit-to-wake-p99',
  'form-pairs',
]
if (ofMcp.some(wanted)) measures.push(...(await mcpMeasures(wanted, { seconds, peer: values.peer })))
if (NAMES.some((name) => name.endsWith('-remembered') && wanted(name)))
  measures.push(...(await rememberedMeasures(seconds)))
if (NAMES.some((name) => name.startsWith('sealed-') && wanted(name))) {
  measures.push(...(await sealedFileMeasures({ seconds })).filter(({ name }) => wanted(name)))
}
if (wanted('start-to-first-page') || wanted('memory-at-rest')) measures.push(...(await startMeasures()))
const kinds = [
  ...(NAMES.some((name) => /^waiting-(?!10k)/.test(name) && wanted(name)) ? (['gated'] as const) : []),
  ...(NAMES.some((name) => name.startsWith('waiting-10k') && wanted(name)) ? (['redis'] as const) : []),
]
if (kinds.length > 0) measures.push(...(await waitingMeasures({ calls: waiting, kinds })))
if (NAMES.some((name) => /replica|redis-ops/.test(name) && wanted(name)))
  measures.push(...(await replicaMeasures({ seconds })))
if (NAMES.some((name) => name.startsWith('audit-') && wanted(name)))
  measures.push(...(await auditMeasures(wanted, { seconds })))
if (wanted('crossing-search-64k')) measures.push(...crossingMeasures())
measures.push(...(await proxyMeasures(wanted, { seconds })))
measures.push(...(await vendorMeasures(wanted, { seconds })))
for (const { name, value, unit, goal } of measures)
  console.log(`${name.padEnd(36)} ${String(value).padStart(8)} ${unit.padEnd(6)} ${goal}`)
// The lines above also show what helps to read a measure; the JSON has what was asked for.
if (values.json) console.log(JSON.stringify({ measures: measures.filter(({ name }) => wanted(name)) }))
