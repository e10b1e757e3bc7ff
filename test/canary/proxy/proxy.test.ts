import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDetector, type Detector } from '../detector.ts'
import { watchOutput } from '../output.ts'
import { proxyFlows } from './proxy-flows.ts'
import { proxySinks } from './proxy-sinks.ts'
import { openProxyWorld, type ProxyWorld } from './proxy-world.ts'

let world: ProxyWorld
let detector: Detector
let stopWatching: () => void

beforeAll(async () => {
  world = await openProxyWorld()
  detector = createDetector(world.secrets.alice)
  stopWatching = watchOutput(world.trace, true)
})
afterAll(async () => {
  stopWatching()
  await world.close()
})

/** Sinks that hold one of Alice's secrets now, with the kind and what stands around it. */
async function found(): Promise<readonly string[]> {
  const leaks: string[] = []
  for (const { name, read } of proxySinks) {
    const content = await read(world)
    const kinds = detector.findIn(content)
    if (kinds.length > 0) leaks.push(`${name}: ${kinds.join(', ')} …${JSON.stringify(detector.excerpt(content))}…`)
  }
  return leaks
}

// Some flows offboard Alice and Bob, so they come after the proof that leaks are found.
describe.each(proxySinks)('a leak into $name', ({ name, plant }) => {
  test.each(['long', 'html', 'pem'])('is found (%s)', async (kind) => {
    expect(await found()).toEqual([])
    const { fragments } = world.secrets.alice.canaries.find((one) => one.kind === kind) ?? { fragments: [] }
    const undo = await plant(world, fragments[0] ?? '')
    const leaks = await found()
    if (typeof undo === 'function') await undo()
    expect(leaks.map((leak) => leak.split(':')[0])).toContain(name)
    expect(leaks.join()).toContain(kind)
  })
})

test.each(proxyFlows)('no secret is in any sink after: $name', async ({ run }) => {
  try {
    await run(world)
    expect(await found()).toEqual([])
  } finally {
    await world.reset()
  }
  expect(await found()).toEqual([])
})
