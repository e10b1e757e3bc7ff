import type { Child } from '../../../src/proxy/children/child.ts'
import type { ChildOptions } from '../../../src/proxy/children/child-options.ts'
import type { EndReason } from '../../../src/proxy/children/end-reason.ts'
import { type ChildPool, createChildPool } from '../../../src/proxy/children/pool/child-pool.ts'
import type { ChildKey } from '../../../src/proxy/children/pool/pool-key.ts'
import type { PoolLimits } from '../../../src/proxy/children/pool/pool-limits.ts'
import { type ChildWorld, call } from './fixture.ts'

export const ALICE: ChildKey = {
  upstream: 'echo',
  issuer: 'https://login.example.com',
  subject: 'alice',
  account: '',
  version: '1',
  configuration: 'c1',
  session: 's1',
}

export const BOB: ChildKey = { ...ALICE, subject: 'bob' }

export interface PoolUnderTest {
  readonly pool: ChildPool
  /** How many starts were begun. */
  starts(): number
  /** Why children have ended, in order. */
  readonly ends: readonly EndReason[]
  /** The child of a key, started with a token that names the owner and the version. */
  child(key: ChildKey, options?: Partial<ChildOptions>): Promise<Child>
}

export function poolOf(world: ChildWorld, limits: PoolLimits = {}): PoolUnderTest {
  const ends: EndReason[] = []
  let starts = 0
  const pool = createChildPool(limits, { ended: (_key, end) => void ends.push(end.reason) })
  return {
    pool,
    ends,
    starts: () => starts,
    child: (key, options = {}) =>
      pool.get(key, {
        async options() {
          starts += 1
          return world.options({ slots: { TOKEN: `token-of-${key.subject}-${key.version}` }, ...options })
        },
        initialise: async (child) => void (await call(child, 'initialize')),
      }),
  }
}
