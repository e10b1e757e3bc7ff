import type { ConnectionOptions } from '../../destinations/connection.ts'
import type { DestinationOptions } from '../../destinations/destination.ts'
import { credentialHeaders } from '../config/header-slots.ts'
import type { HttpUpstreamConfig } from '../config/proxy-config.ts'
import type { UpstreamFiles } from '../config/upstream-files.ts'

/** Returns where the credential of an upstream may go: to that server alone. */
export function destinationsOf({ url, headers }: HttpUpstreamConfig): readonly DestinationOptions[] {
  return [{ origin: new URL(url).origin, header: credentialHeaders(headers) }]
}

/** Returns how that server is reached, as a provider takes it. */
export function connectionOptionsOf(
  { timeouts, perOwner }: HttpUpstreamConfig,
  { tls }: UpstreamFiles,
): ConnectionOptions {
  return { ...tls, ...timeouts, callsPerOwner: perOwner.calls }
}
