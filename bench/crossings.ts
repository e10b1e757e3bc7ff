import { randomBytes } from 'node:crypto'
import { createSecretFingerprints } from '../src/core/echo-guard/secret-fingerprints.ts'
import { type Measure, median } from './measure.ts'

const SECRETS = 5_000
const TURNS = 200

/** How long the search for other owners' secrets holds the event loop: an answer of 64 kB, with as many secrets as are remembered. */
export function crossingMeasures(): Measure[] {
  const prints = createSecretFingerprints()
  for (let i = 0; i < SECRETS; i += 1) {
    const secret = `ghp_${randomBytes(18).toString('base64url')}`
    prints.add({ owner: `user ${i}`, provider: 'jira', field: `${i}` }, secret)
  }
  const issue = {
    id: 17,
    title: 'A title',
    body: 'lorem ipsum dolor sit amet',
    url: 'https://example.com/browse/PROJ-17',
  }
  const text = JSON.stringify(Array.from({ length: 600 }, (_, i) => ({ ...issue, id: i }))).slice(0, 65_536)
  const times = Array.from({ length: TURNS }, () => {
    const began = performance.now()
    prints.foreign(text, 'bench', 1_000)
    return performance.now() - began
  })
  return [{ name: 'crossing-search-64k', value: Math.round(median(times) * 1000) / 1000, unit: 'ms', goal: '≤ 5' }]
}
