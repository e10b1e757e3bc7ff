import type { Warn } from '../../core/host/logger.ts'
import { defineVariables } from '../../core/model/variables.ts'
import { createBoundFetch } from '../../destinations/bound-fetch.ts'
import { type DestinationOptions, defineDestinations } from '../../destinations/destination.ts'
import type { ShareLimits } from '../../destinations/owner-shares.ts'
import { userCatalogue } from '../catalogue/catalogue.ts'
import { readSnapshot } from '../catalogue/snapshot.ts'
import { snapshotCatalogue } from '../catalogue/snapshot-catalogue.ts'
import { variablesOf } from '../config/credential-config.ts'
import { credentialHeaders, fixedHeaders } from '../config/header-slots.ts'
import type { HttpUpstreamConfig } from '../config/proxy-config.ts'
import type { ProxyProvider, ProxyRoute } from '../session/proxy-route.ts'
import { rejectionMatcher } from '../upstream/rejection-matcher.ts'
import { httpUpstream } from './http-upstream.ts'

/** Standing streams have places of their own: a user's open sessions must not keep their calls waiting. */
const STREAMS: ShareLimits = { perOwner: 100, perOrigin: 10_000, waiting: 100, wait: 30_000 }

const NOTES: ShareLimits = { perOwner: 32, perOrigin: 512, waiting: 1000, wait: 30_000 }

/** Makes the route to an MCP server over HTTP. */
export function httpRoute(name: string, config: HttpUpstreamConfig, provider: ProxyProvider, warn: Warn): ProxyRoute {
  const bound = {
    provider: provider.name,
    destinations: defineDestinations(destinationsOf(config), defineVariables(variablesOf(config.credential))),
  }
  return {
    name,
    provider,
    mode: config.mode,
    failFast: config.failFast,
    rejections: rejectionMatcher(config),
    catalogue:
      config.snapshot === undefined
        ? userCatalogue(name)
        : snapshotCatalogue(name, readSnapshot(config.snapshot), warn),
    upstream: httpUpstream({
      url: config.url,
      headers: fixedHeaders(config.headers),
      streams: createBoundFetch({ ...bound, limits: STREAMS, bodyTimeout: 0 }),
      notes: createBoundFetch({ ...bound, limits: NOTES }),
      maxMessageBytes: config.maxMessageBytes,
    }),
  }
}

/** Returns where the credential of an upstream may go: to that server alone. */
export function destinationsOf({ url, headers }: HttpUpstreamConfig): readonly DestinationOptions[] {
  return [{ origin: new URL(url).origin, header: credentialHeaders(headers) }]
}
