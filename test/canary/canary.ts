import type { Detector } from './detector.ts'
import { createDetector } from './detector.ts'
import type { Flow } from './flow.ts'
import { watchOutput } from './output.ts'
import { type CanarySet, canarySet } from './secrets.ts'
import type { Sink } from './sinks.ts'
import { type OpenCanaryStore, sealedFileStore } from './stores.ts'
import { openWorld, type World } from './world.ts'

/** What one sink held after one flow. */
export interface Finding {
  readonly kinds: readonly string[]
  readonly bytes: number
  /** Around the first secret, when there is one. */
  readonly excerpt: string
}

export interface FlowReport {
  readonly flow: string
  /** Why the flow did not do what it says; then nothing was proven. */
  readonly problem: string | undefined
  readonly bySink: ReadonlyMap<string, Finding>
  readonly milliseconds: number
}

export interface CanaryOptions {
  readonly flows: readonly Flow[]
  readonly sinks: readonly Sink[]
  readonly secrets?: CanarySet
  /** Whether what is printed goes no further than the sinks. Default true. */
  readonly quiet?: boolean
  /** Where the secrets are kept. Default the sealed file. */
  readonly openStore?: OpenCanaryStore
  /** Called before each flow. */
  readonly onFlow?: (name: string) => void
}

/** Runs every flow in turn and searches every sink after each. */
export async function runCanary(options: CanaryOptions): Promise<readonly FlowReport[]> {
  const { flows, sinks, secrets = canarySet(), quiet = true, openStore = sealedFileStore, onFlow } = options
  const detector = createDetector(secrets)
  const reports: FlowReport[] = []
  const work = async (world: World) => {
    await search(world, sinks, detector)
    for (const { name, run } of flows) {
      onFlow?.(name)
      const started = performance.now()
      const problem = await run(world).then(
        () => undefined,
        (error: unknown) => `${error instanceof Error ? error.message : typeof error}`,
      )
      const bySink = await search(world, sinks, detector)
      reports.push({ flow: name, problem, bySink, milliseconds: performance.now() - started })
      await world.reset()
    }
  }
  await withWorld(secrets, quiet, work, openStore)
  return reports
}

/** Opens a world with everything around it watched, and ends it. */
export async function withWorld<T>(
  secrets: CanarySet,
  quiet: boolean,
  work: (world: World) => Promise<T>,
  openStore: OpenCanaryStore = sealedFileStore,
): Promise<T> {
  const world = await openWorld(secrets, openStore)
  const stopWatching = watchOutput(world.trace, quiet)
  try {
    return await work(world)
  } finally {
    stopWatching()
    await world.close()
  }
}

export async function search(
  world: World,
  sinks: readonly Sink[],
  detector: Detector,
): Promise<ReadonlyMap<string, Finding>> {
  const bySink = new Map<string, Finding>()
  for (const sink of sinks) {
    const content = await sink.read(world)
    const kinds = detector.findIn(content)
    bySink.set(sink.name, {
      kinds,
      bytes: content.length,
      excerpt: kinds.length === 0 ? '' : detector.excerpt(content),
    })
  }
  return bySink
}
