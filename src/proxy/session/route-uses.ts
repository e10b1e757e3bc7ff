import type { ProxyRoute } from './proxy-route.ts'

/** The route of one path, which a new configuration may replace while calls run. */
export interface RouteUses {
  /** The newest route, whichever that is when one of its parts is looked at. */
  readonly live: ProxyRoute
  /** Runs a call with the route that is the newest when it begins. `hold` keeps that route in use for longer than the call. */
  during<T>(call: (route: ProxyRoute, hold: HoldRoute) => Promise<T>): Promise<T>
  /** Returns the former route. `ended` resolves once no call uses it. */
  replace(next: ProxyRoute): { readonly route: ProxyRoute; readonly ended: Promise<void> }
  /** Resolves once no call runs. */
  ended(): Promise<void>
}

/** Counts work as a use of a route until it has ended. */
export type HoldRoute = <T>(work: () => Promise<T>) => Promise<T>

interface Use {
  readonly route: ProxyRoute
  calls: number
  /** Called when the last call has ended. */
  done: () => void
}

export function createRouteUses(first: ProxyRoute): RouteUses {
  let current: Use = useOf(first)

  function ended(use: Use): Promise<void> {
    if (use.calls === 0) return Promise.resolve()
    return new Promise((resolve) => {
      use.done = resolve
    })
  }

  return {
    live: {
      get name() {
        return current.route.name
      },
      get provider() {
        return current.route.provider
      },
      get upstream() {
        return current.route.upstream
      },
      get catalogue() {
        return current.route.catalogue
      },
      get rejections() {
        return current.route.rejections
      },
      get mode() {
        return current.route.mode
      },
      get operations() {
        return current.route.operations
      },
      get failFast() {
        return current.route.failFast
      },
    },

    during(call) {
      const use = current
      const hold: HoldRoute = (work) => counted(use, work)
      return hold(() => call(use.route, hold))
    },

    replace(next) {
      const former = current
      current = useOf(next)
      return { route: former.route, ended: ended(former) }
    },

    ended: () => ended(current),
  }
}

async function counted<T>(use: Use, work: () => Promise<T>): Promise<T> {
  use.calls += 1
  try {
    return await work()
  } finally {
    use.calls -= 1
    if (use.calls === 0) use.done()
  }
}

function useOf(route: ProxyRoute): Use {
  return { route, calls: 0, done: () => undefined }
}
