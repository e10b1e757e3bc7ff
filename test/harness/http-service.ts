import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { defineVariables, type VariablesOptions } from '../../src/core/model/variables.ts'
import { type BoundFetch, createBoundFetch } from '../../src/destinations/bound-fetch.ts'
import type { Resolve } from '../../src/destinations/checked-lookup.ts'
import { type DestinationOptions, defineDestinations } from '../../src/destinations/destination.ts'
import type { ShareLimits } from '../../src/destinations/owner-shares.ts'

export interface HttpService {
  readonly origin: string
  readonly port: number
  /** Received requests, oldest first. */
  readonly received: readonly IncomingMessage[]
  close(): Promise<void>
}

/** A real HTTP server on loopback that keeps what it received. */
export async function startService(
  answer: RequestListener = (_, response) => response.end('ok'),
): Promise<HttpService> {
  const received: IncomingMessage[] = []
  const server: Server = createServer((request, response) => {
    received.push(request)
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export const PAT = 'marker-secret-0123456789'
export const bearer = { scheme: 'Bearer', field: 'pat' } as const

const defaultVariables: VariablesOptions = { pat: { label: 'Token', type: 'password' } }

export function fetchTo(
  destinations: readonly DestinationOptions[],
  {
    variables = defaultVariables,
    resolve,
    limits,
  }: { variables?: VariablesOptions; resolve?: Resolve; limits?: ShareLimits } = {},
): BoundFetch {
  return createBoundFetch({
    provider: 'jira',
    destinations: defineDestinations(destinations, defineVariables(variables)),
    ...(resolve ? { resolve } : {}),
    ...(limits ? { limits } : {}),
  })
}
