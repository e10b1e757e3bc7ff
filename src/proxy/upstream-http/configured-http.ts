import { defineVariables } from '../../core/model/variables.ts'
import { createBoundFetch } from '../../destinations/bound-fetch.ts'
import { connectionOf } from '../../destinations/connection.ts'
import { defineDestinations } from '../../destinations/destination.ts'
import type { ShareLimits } from '../../destinations/owner-shares.ts'
import { variablesOf } from '../config/credential-config.ts'
import { fixedHeaders } from '../config/header-slots.ts'
import type { HttpUpstreamConfig } from '../config/proxy-config.ts'
import type { UpstreamFiles } from '../config/upstream-files.ts'
import type { ProxyProvider } from '../session/proxy-route.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { connectionOptionsOf, destinationsOf } from './http-destination.ts'
import { httpUpstream } from './http-upstream.ts'

export interface ConfiguredHttpParts {
  readonly name: string
  readonly config: HttpUpstreamConfig
  readonly files: UpstreamFiles
  readonly provider: Pick<ProxyProvider, 'name'>
}

/** Makes what reaches an MCP server over HTTP as its configuration says. */
export function configuredHttp({ name, config, files, provider }: ConfiguredHttpParts): Upstream {
  const bound = {
    provider: provider.name,
    destinations: defineDestinations(destinationsOf(config), defineVariables(variablesOf(config.credential))),
  }
  const { connection } = connectionOf(connectionOptionsOf(config, files), `upstreams.${name}`)
  const { perOwner } = config
  // Standing streams have places of their own: a user's open sessions must not keep their calls waiting.
  const streams: ShareLimits = { perOwner: perOwner.streams, perOrigin: 10_000, waiting: 100, wait: 30_000 }
  const notes: ShareLimits = { perOwner: perOwner.calls, perOrigin: 512, waiting: 1000, wait: 30_000 }
  return httpUpstream({
    url: config.url,
    headers: fixedHeaders(config.headers),
    streams: createBoundFetch({ ...bound, limits: streams, connection: { ...connection, bodyTimeout: 0 } }),
    notes: createBoundFetch({ ...bound, limits: notes, connection }),
    maxMessageBytes: config.maxMessageBytes,
  })
}
