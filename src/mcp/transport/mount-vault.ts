import type { KoaMiddleware } from '../../core/ports/koa.ts'
import type { OperationMeter } from '../../core/ports/telemetry.ts'

// Applications see this type. It names nothing of Koa's own types, which many of them cannot compile.
/** The parts of a vault that a mount uses. */
export interface McpMountVault {
  readonly serverBaseUrl: URL
  /** Admits only requests with a valid access token and stores the user in `ctx.state.user`. */
  bearerGate(): KoaMiddleware
  onClose(
    end: (closing: { readonly deadline: AbortSignal; readonly cutOff?: (calls: number) => void }) => Promise<void>,
  ): void
  /** Measures what the mount is asked. Default: nothing is measured. */
  readonly operations?: OperationMeter
}
