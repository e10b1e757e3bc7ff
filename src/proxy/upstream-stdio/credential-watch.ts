import { newCorrelationId } from '../../core/model/correlation-id.ts'
import type { CredentialState } from '../../core/model/credential-state.ts'
import { type Owner, ownerKey } from '../../core/model/owner.ts'
import type { VaultEvents } from '../../core/ports/events.ts'
import type { ChildPool, ClosingReason } from '../children/pool/child-pool.ts'
import type { ProxyProvider } from '../session/proxy-route.ts'
import type { ConfiguredChildren } from './child-host.ts'
import { GIVEN } from './stdio-upstream.ts'

export interface CredentialWatchParts {
  readonly children: ConfiguredChildren
  readonly provider: Pick<ProxyProvider, 'name' | 'ready' | 'credentialState' | 'versionOf'>
  readonly pool: ChildPool
  readonly events: VaultEvents
}

/** How often the credentials of running children are looked at, for changes that were made in the backend itself. Milliseconds. */
const LOOK_EVERY = 5_000

const REASONS: Readonly<Record<Exclude<CredentialState, 'active'>, ClosingReason>> = {
  absent: 'revoked',
  revoked: 'revoked',
  rejected: 'rejected',
  expired: 'expired',
  incomplete: 'expired',
}

/** Ends the children of an upstream whose credential is not in use any more. Returns the function that stops it. */
export function watchCredentials({ children, provider, pool, events }: CredentialWatchParts): () => void {
  const isOurs = (named: string) => named === provider.name

  async function look({ issuer, subject }: Owner): Promise<void> {
    const owner = { issuer, subject }
    // A look of its own, which is not about any call.
    const call = { user: owner, correlationId: newCorrelationId() }
    const state = await provider.credentialState(call)
    if (state !== 'active') return pool.end(REASONS[state], { ...children, ...owner })
    const version = await provider.versionOf?.(call)
    if (version !== undefined) await pool.end('rotated', { ...children, ...owner, notVersion: version })
  }

  async function lookAtAll(): Promise<void> {
    const owners = new Map(
      pool.keys
        .filter(
          (key) =>
            key.upstream === children.upstream && key.configuration === children.configuration && key.account !== GIVEN,
        )
        .map((key) => [ownerKey(key), key] as const),
    )
    // An outage says nothing about the credential.
    for (const owner of owners.values()) void look(owner).catch(() => undefined)
  }

  const timer = setInterval(() => void lookAtAll(), LOOK_EVERY).unref()
  const stops = [
    ...(['saved', 'rotated', 'reinstated'] as const).map((name) =>
      events.on(name, ({ owner, provider: named }) => (isOurs(named) ? look(owner) : undefined)),
    ),
    ...(['rejected', 'revoked'] as const).map((name) =>
      events.on(name, ({ owner: { issuer, subject }, provider: named }) =>
        isOurs(named) ? pool.end(name, { ...children, issuer, subject }) : undefined,
      ),
    ),
    events.on('offboarded', ({ owner: { issuer, subject } }) =>
      pool.end('offboarded', { ...children, issuer, subject }),
    ),
  ]
  return () => {
    clearInterval(timer)
    for (const stop of stops) stop()
  }
}
