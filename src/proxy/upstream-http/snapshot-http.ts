import { type CredentialValues, defineVariables } from '../../core/model/variables.ts'
import { createBoundFetch } from '../../destinations/bound-fetch.ts'
import { connectionOf } from '../../destinations/connection.ts'
import { defineDestinations } from '../../destinations/destination.ts'
import type { Snapshot } from '../catalogue/snapshot.ts'
import { takeSnapshot } from '../catalogue/take-snapshot.ts'
import { variablesOf } from '../config/credential-config.ts'
import { fixedHeaders } from '../config/header-slots.ts'
import type { HttpUpstreamConfig } from '../config/proxy-config.ts'
import type { UpstreamFiles } from '../config/upstream-files.ts'
import { givenCall } from '../upstream/given-call.ts'
import { connectionOptionsOf, destinationsOf } from './http-destination.ts'
import { httpUpstream } from './http-upstream.ts'

const DEADLINE_MILLISECONDS = 60_000

/**
 * Takes a snapshot of an MCP server over HTTP, with values that the operator gives. They come from no vault, go nowhere else, and are not
 * kept. What the server lists is written down: it must not be a server that lists secrets.
 *
 * @throws `UpstreamProblem` if the server refuses, and what `fetch` of a credential throws
 */
export async function snapshotOverHttp(
  config: HttpUpstreamConfig,
  files: UpstreamFiles,
  values: CredentialValues,
): Promise<Snapshot> {
  const bound = createBoundFetch({
    provider: 'snapshot',
    destinations: defineDestinations(destinationsOf(config), defineVariables(variablesOf(config.credential))),
    ...connectionOf(connectionOptionsOf(config, files), 'snapshot'),
  })
  try {
    const upstream = httpUpstream({
      url: config.url,
      headers: fixedHeaders(config.headers),
      ...{ streams: bound, notes: bound },
      maxMessageBytes: config.maxMessageBytes,
    })
    const signal = AbortSignal.timeout(DEADLINE_MILLISECONDS)
    const call = givenCall(values, 'snapshot', signal)
    const handle = {
      ...call.handle,
      fetch: (input: string | URL, init?: RequestInit) => bound.fetch(values, input, init),
    }
    return await takeSnapshot(upstream, { ...call, handle })
  } finally {
    await bound.close()
  }
}
