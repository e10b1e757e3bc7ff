import { expectThat, type Flow, flow } from '../flow.ts'
import type { Services } from '../services.ts'
import type { Handle, World } from '../world.ts'

/** Calls bound `fetch()` in a tool, which answers with what came of it: a status, or the error's code. */
function fetches(
  name: string,
  words: string,
  work: (handle: Handle, services: Services, world: World) => Promise<Response>,
): Flow {
  return flow(name, async (world) => {
    await world.saved()
    world.probe = async (handle) => {
      const outcome = await world.thrown(() => work(handle, world.services, world))
      const { status, code } = outcome as { readonly status?: number; readonly code?: string }
      return status ?? code ?? 'another error'
    }
    const { text } = await world.clients.plain.call()
    expectThat(
      text === words || (words.includes(' ') && text.includes(words)),
      `"${words}", not "${text.slice(0, 60)}"`,
    )
  })
}

/** The tool passes on what the service or the error says. */
function passesOn(name: string, work: (handle: Handle, services: Services) => Promise<Response>): Flow {
  return flow(name, async (world) => {
    await world.saved()
    world.probe = async (handle) => (await work(handle, world.services)).text()
    await world.clients.plain.call()
    await world.clients.asking.call()
  })
}

export const fetching: readonly Flow[] = [
  fetches('fetch', '200', (handle, { bearer }) => handle.fetch(`${bearer.origin}/`)),
  fetches('fetch with a header of its own', '200', (handle, { header }) => handle.fetch(`${header.origin}/`)),
  fetches('fetch with Basic', '200', (handle, { basic }) => handle.fetch(`${basic.origin}/here`)),
  fetches('service refuses and echoes', 'rejected your stored credential', (handle, { bearer }) =>
    handle.fetch(`${bearer.origin}/echo`),
  ),
  passesOn('its echo is passed on', (handle, { bearer }) => handle.fetch(`${bearer.origin}/echo`)),
  passesOn('its echo of the header is passed on', (handle, { header }) => handle.fetch(`${header.origin}/echo`)),
  passesOn('its echo of Basic is passed on', (handle, { basic }) => handle.fetch(`${basic.origin}/echo`)),
  fetches('destination refused', 'destination_refused', (handle, { foreign }) => handle.fetch(foreign.origin)),
  fetches('secret in a refused address', 'destination_refused', (handle, { foreign }, { secrets }) =>
    handle.fetch(`${foreign.origin}/${secrets.of('long')}?${secrets.of('html')}`),
  ),
  fetches('secret in no address', 'destination_refused', (handle, _, { secrets }) =>
    handle.fetch(`http:// ${secrets.of('html')}`),
  ),
  fetches('secret as user and password', 'destination_refused', (handle, { bearer }, { secrets }) =>
    handle.fetch(`http://u:${secrets.of('long')}@127.0.0.1:${bearer.port}/`),
  ),
  fetches('redirect to another origin', 'destination_refused', (handle, { bearer }) =>
    handle.fetch(`${bearer.origin}/redirect`),
  ),
  fetches('connection refused', 'unavailable', (handle, { closedOrigin }) => handle.fetch(closedOrigin)),
  fetches('connection broken off', 'unavailable', (handle, { bearer }) => handle.fetch(`${bearer.origin}/drop`)),
  // The form refuses such a value, so somebody has put it into the backend.
  fetches('value that no header carries', 'credential_malformed', (handle, { unsendable }, world) => {
    const { secrets } = world
    world.faults = {
      read: async () => ({
        status: 'active',
        version: { ref: 'x' as never, label: '1', createdAt: new Date() },
        values: { ...secrets.values, strict: secrets.of('unicode') },
      }),
    }
    return handle.fetch(unsendable.origin)
  }),
  fetches('request that is none', 'destination_refused', (handle, { bearer }, { secrets }) =>
    handle.fetch(bearer.origin, { method: secrets.of('html') }),
  ),
  fetches('header that is none', 'destination_refused', (handle, { bearer }, { secrets }) =>
    handle.fetch(bearer.origin, { headers: { 'x-a': secrets.of('pem') } }),
  ),
  fetches('header that is set twice', 'destination_refused', (handle, { bearer }, { secrets }) =>
    handle.fetch(bearer.origin, { headers: { authorization: secrets.of('long') } }),
  ),
  fetches('aborted', '20', (handle, { bearer }) =>
    handle.fetch(`${bearer.origin}/hang`, { signal: AbortSignal.abort() }),
  ),
  fetches('aborted while waiting', '23', (handle, { bearer }) =>
    handle.fetch(`${bearer.origin}/hang`, { signal: AbortSignal.timeout(50) }),
  ),
]
