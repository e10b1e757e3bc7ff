import type { Warn } from '../../core/host/logger.ts'
import { defineVariables } from '../../core/model/variables.ts'
import { createBoundFetch } from '../../destinations/bound-fetch.ts'
import { connectionOf } from '../../destinations/connection.ts'
import { defineDestinations } from '../../destinations/destination.ts'
import type { ShareLimits } from '../../destinations/owner-shares.ts'
import { type Catalogue, userCatalogue } from '../catalogue/catalogue.ts'
import { discoveryCatalogue } from '../catalogue/discovery-catalogue.ts'
import { snapshotCatalogue } from '../catalogue/snapshot-catalogue.ts'
import { withToolRules } from '../catalogue/tool-rules.ts'
import { variablesOf } from '../config/credential-config.ts'
import { fixedHeaders } from '../config/header-slots.ts'
import type { UpstreamConfig } from '../config/proxy-config.ts'
import type { UpstreamFiles } from '../config/upstream-files.ts'
import type { ProxyProvider, ProxyRoute } from '../session/proxy-route.ts'
import { connectionOptionsOf, destinationsOf } from './http-destination.ts'
import { httpUpstream } from './http-upstream.ts'
import { snapshotOverHttp } from './snapshot-http.ts'

export interface HttpRouteParts {
  readonly name: string
  readonly config: UpstreamConfig
  readonly files: UpstreamFiles
  readonly provider: ProxyProvider
  readonly warn: Warn
}

/** Makes the route to an MCP server over HTTP. */
export function httpRoute({ name, config, files, provider, warn }: HttpRouteParts): ProxyRoute {
  const bound = {
    provider: provider.name,
    destinations: defineDestinations(destinationsOf(config), defineVariables(variablesOf(config.credential))),
  }
  const { connection } = connectionOf(connectionOptionsOf(config, files), `upstreams.${name}`)
  const { perOwner } = config
  // Standing streams have places of their own: a user's open sessions must not keep their calls waiting.
  const streams: ShareLimits = { perOwner: perOwner.streams, perOrigin: 10_000, waiting: 100, wait: 30_000 }
  const notes: ShareLimits = { perOwner: perOwner.calls, perOrigin: 512, waiting: 1000, wait: 30_000 }
  return {
    name,
    provider,
    mode: config.mode,
    failFast: config.failFast,
    catalogue: withToolRules(catalogueOf(name, config, files, warn), config.tools),
    upstream: httpUpstream({
      url: config.url,
      headers: fixedHeaders(config.headers),
      streams: createBoundFetch({ ...bound, limits: streams, connection: { ...connection, bodyTimeout: 0 } }),
      notes: createBoundFetch({ ...bound, limits: notes, connection }),
      maxMessageBytes: config.maxMessageBytes,
    }),
  }
}

function catalogueOf(name: string, config: UpstreamConfig, files: UpstreamFiles, warn: Warn): Catalogue {
  const { snapshot, discovery } = files
  if (snapshot) return snapshotCatalogue(name, snapshot, warn)
  if (discovery) return discoveryCatalogue(name, () => snapshotOverHttp(config, files, discovery), warn)
  return userCatalogue(name)
}
