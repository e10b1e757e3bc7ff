import type { World } from './world.ts'

/** Something that happens with secrets. It also checks that it did happen, so that nothing is searched in vain. */
export interface Flow {
  readonly name: string
  run(world: World): Promise<unknown>
}

export function flow(name: string, run: (world: World) => Promise<unknown>): Flow {
  return { name, run }
}

/** Throws unless it is so. The values are never shown: they may be what the canary looks for. */
export function expectThat(holds: boolean, what: string): void {
  if (!holds) throw new Error(`Expected: ${what}`)
}

export function expectStatus({ status }: { readonly status: number }, wanted: number): void {
  expectThat(status === wanted, `status ${wanted}, not ${status}`)
}
