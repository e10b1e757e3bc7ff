import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DestinationOptions } from '../../src/destinations/destination.ts'
import { type RecordedService, recordedService } from './recording.ts'
import type { Trace } from './trace.ts'
import type { canaryVariables } from './variables.ts'

/** The services that bound `fetch()` may call, one for each way that a credential travels, and one that it may not. */
export interface Services {
  readonly bearer: RecordedService
  readonly header: RecordedService
  readonly basic: RecordedService
  readonly unsendable: RecordedService
  /** Not declared: whatever comes here is a leak. */
  readonly foreign: RecordedService
  /** Declared, and nobody listens there. */
  readonly closedOrigin: string
  readonly destinations: readonly DestinationOptions<typeof canaryVariables>[]
  close(): Promise<void>
}

export async function startServices(trace: Trace): Promise<Services> {
  const foreign = await recordedService(trace, 'other destinations', [], (_, response) => response.end('foreign'))
  const declared = (wanted: readonly string[]) =>
    recordedService(trace, 'declared destination', wanted, (request, response) => {
      const path = new URL(request.url ?? '/', 'http://unused').pathname
      const given = String(request.headers.authorization ?? request.headers['x-token'])
      if (path === '/redirect') response.writeHead(302, { location: `${foreign.origin}/stolen` }).end()
      else if (path === '/here') response.writeHead(302, { location: '/' }).end()
      else if (path === '/drop') request.socket.destroy()
      else if (path === '/hang') request.resume()
      else if (path === '/echo')
        response.writeHead(401, { 'www-authenticate': `Bearer error="${encodeURIComponent(given)}"` }).end(given)
      else response.end('ok')
    })
  // Only the headers that carry the credential are what such a service is there to get.
  const [bearer, header, basic, unsendable] = await Promise.all([
    declared(['authorization']),
    declared(['x-token']),
    declared(['authorization']),
    declared([]),
  ])
  const closedOrigin = await originOfNobody()
  return {
    bearer,
    header,
    basic,
    unsendable,
    foreign,
    closedOrigin,
    destinations: [
      { origin: bearer.origin, header: { scheme: 'Bearer', field: 'long' } },
      { origin: header.origin, header: { name: 'X-Token', field: 'quotes', prefix: 'Token ' } },
      {
        origin: basic.origin,
        header: { scheme: 'Basic', user: { value: 'x-token-auth' }, password: { field: 'percent' } },
      },
      { origin: unsendable.origin, header: { scheme: 'Bearer', field: 'strict' } },
      { origin: closedOrigin, header: { scheme: 'Bearer', field: 'long' } },
    ],
    close: async () => {
      await Promise.all([bearer, header, basic, unsendable, foreign].map((service) => service.close()))
    },
  }
}

async function originOfNobody(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}
