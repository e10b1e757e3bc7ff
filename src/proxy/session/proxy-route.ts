import type { CredentialHandle } from '../../core/credentials/credential-handle.ts'
import type { GatedProvider, ProcessLog, RepeatedCalls } from '../../core/gate/gated-provider.ts'
import type { CallExtra } from '../../core/gate/tool-call.ts'
import type { OperationMeter } from '../../core/ports/telemetry.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { RejectionMatcher } from '../upstream/rejection-matcher.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** One upstream behind the proxy, with the provider whose credential its calls need. */
export interface ProxyRoute {
  /** Name of the upstream, the first part of its path. */
  readonly name: string
  readonly provider: ProxyProvider
  readonly upstream: Upstream
  readonly catalogue: Catalogue
  readonly rejections: RejectionMatcher
  readonly mode: 'sessionful' | 'stateless'
  /** Measures what clients ask. Default: nothing is measured. */
  readonly operations?: OperationMeter | undefined
  /** Answers at once with a link instead of waiting for the user. */
  readonly failFast: boolean
}

/** A provider, as the proxy uses it. */
export interface ProxyProvider extends GatedProvider {
  repeatedCalls(): RepeatedCalls
  getCredentials(extra: CallExtra): CredentialHandle
  processLog(): ProcessLog
}
