import {
  jsonAnswer,
  type ProxiedAnswer,
  type ProxiedRequest,
  startFaultProxy,
  type TransportFault,
} from '../fault-proxy.ts'

/** Vault's own refusals, in its own words. */
const REFUSALS = {
  failing: () => jsonAnswer(500, { errors: ['1 error occurred: internal error'] }),
  throttled: () =>
    jsonAnswer(429, { errors: ['request path "kv/": rate limit quota exceeded'] }, { 'retry-after': '30' }),
  denied: () => jsonAnswer(403, { errors: ['1 error occurred:\n\t* permission denied\n\n'] }),
  sealed: () => jsonAnswer(503, { errors: ['Vault is sealed'] }),
} satisfies Record<string, () => ProxiedAnswer>

const CHANGE = /^(?:POST|PUT) .*\/(?:data|destroy)\//

export type VaultFault = TransportFault | keyof typeof REFUSALS

/** In front of OpenBao: injects faults, and answers in its place where it cannot be made to. */
export interface VaultProxy {
  readonly endpoint: string
  /** For every request from now on, or only for those that `only` accepts. */
  fault(fault: VaultFault, only?: (request: ProxiedRequest) => boolean): void
  /** Answers in place of the server, for requests that it returns something for. */
  answer(answerFor: ((request: ProxiedRequest) => ProxiedAnswer | undefined) | undefined): void
  /** Runs this once, before the next request that stores or destroys values is passed on. */
  beforeChange(run: () => Promise<unknown>): void
  /** Every request that arrived. */
  readonly requests: ProxiedRequest[]
  down(): Promise<void>
  up(): Promise<void>
  close(): Promise<void>
}

export async function startVaultProxy(target: string): Promise<VaultProxy> {
  const requests: ProxiedRequest[] = []
  let current: { fault: VaultFault; only: (request: ProxiedRequest) => boolean } = { fault: 'none', only: () => true }
  let first: (() => Promise<unknown>) | undefined
  let own: ((request: ProxiedRequest) => ProxiedAnswer | undefined) | undefined

  const decided = new WeakMap<ProxiedRequest, VaultFault>()

  /** Decided once for each request: who asks for the first of many counts them. */
  function faultOf(request: ProxiedRequest): VaultFault {
    const known = decided.get(request)
    if (known) return known
    const fault = current.only(request) ? current.fault : 'none'
    decided.set(request, fault)
    return fault
  }

  const proxy = await startFaultProxy({
    target,
    faultFor(request) {
      const fault = faultOf(request)
      return isRefusal(fault) ? 'none' : fault
    },
    async answerFor(request) {
      requests.push(request)
      const before = CHANGE.test(`${request.method} ${request.url}`) ? first : undefined
      if (before) {
        first = undefined
        await before()
      }
      const given = own?.(request)
      if (given) return given
      const fault = faultOf(request)
      // A policy refuses a path; what a token may always ask about itself goes through.
      if (!isRefusal(fault) || (fault === 'denied' && request.url.startsWith('/v1/auth/token/'))) return undefined
      return REFUSALS[fault]()
    },
  })
  return {
    ...proxy,
    fault(fault, only = () => true) {
      current = { fault, only }
    },
    answer(answerFor) {
      own = answerFor
    },
    beforeChange(run) {
      first = run
    },
    requests,
  }
}

function isRefusal(fault: VaultFault): fault is keyof typeof REFUSALS {
  return Object.hasOwn(REFUSALS, fault)
}
