import type { Dispatcher } from 'undici'

/** A place for one `fetch()`, held until its last answer was read to the end, cancelled or interrupted. */
export interface Lease {
  /** Wraps an agent so that its requests are counted. */
  through(agent: Dispatcher): Dispatcher
  /** Declares that no more requests follow. */
  settle(): void
}

export function createLease(release: () => void): Lease {
  let running = 0
  let settled = false

  const ended = () => {
    running -= 1
    if (settled && running === 0) release()
  }

  return {
    through: (agent) =>
      agent.compose((dispatch) => (options, handler) => {
        running += 1
        return dispatch(options, {
          onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
          onRequestUpgrade: (...parameters) => handler.onRequestUpgrade?.(...parameters),
          onResponseStart: (...parameters) => handler.onResponseStart?.(...parameters),
          onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
          onResponseEnd(controller, trailers) {
            ended()
            handler.onResponseEnd?.(controller, trailers)
          },
          onResponseError(controller, error) {
            ended()
            handler.onResponseError?.(controller, error)
          },
        })
      }),

    settle() {
      settled = true
      if (running === 0) release()
    },
  }
}
