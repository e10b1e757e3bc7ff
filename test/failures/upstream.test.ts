import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { createHandle } from '../../src/core/credentials/credential-handle.ts'
import type { CredentialReference } from '../../src/core/credentials/credential-reference.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { put, remove } from '../../src/testing/secret-backend/calls.ts'
import { rejectionOf } from '../harness/thrown-error.ts'
import { KEY, storeUnderTest } from './store-under-test.ts'

let service: Server
let accepted = ''
const requests: string[] = []

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  requests.length = 0
  service = createServer((request, response) => {
    const token = String(request.headers.authorization)
    requests.push(`${request.method} ${token}`)
    response.writeHead(token === accepted ? 200 : 401).end(token === accepted ? 'done' : 'no')
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
})
afterEach(() => {
  vi.useRealTimers()
  service.close()
})

function setUp() {
  // A store that does not tell of changes by itself, as one behind a network.
  const { isCurrent: _, ...backend } = memoryBackend()
  const { release, credentials, context, variables } = storeUnderTest(backend, { ttl: 60_000 })
  const refusals: (number | undefined)[] = []
  const handle = createHandle({
    provider: 'jira',
    reference: () => 'ref' as string as CredentialReference,
    isLive: () => true,
    release: (options) => credentials.releaseVersion(KEY, variables, context, options),
    rejectedBy: ({ status }) => status === 401,
    reject: async () => undefined,
    refused: async ({ status }) => void refusals.push(status),
    send: (values, input, init) => fetch(input, { ...init, headers: { authorization: String(values['pat']) } }),
  })
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`
  return { refusals, backend, release, credentials, handle, url }
}

test('row 7: a service that refuses a value which was rotated meanwhile is asked once more, with the new one', async () => {
  const { backend, handle, url, refusals } = setUp()
  await put(backend, KEY, { pat: 'old' })
  accepted = 'old'
  expect((await handle.fetch(url)).status).toBe(200)
  await put(backend, KEY, { pat: 'new' })
  accepted = 'new'
  vi.advanceTimersByTime(2_001)
  const answer = await handle.fetch(url, { method: 'POST', body: 'text' })
  expect(await answer.text()).toBe('done')
  expect(requests).toEqual(['GET old', 'POST old', 'POST new'])
  expect(refusals).toEqual([401])
  expect(await handle.use(({ pat }) => pat)).toBe('new')
})

test('row 7: one that refuses the newest value is believed, and not asked twice', async () => {
  const { backend, handle, url } = setUp()
  await put(backend, KEY, { pat: 'wrong' })
  accepted = 'right'
  expect((await handle.fetch(url)).status).toBe(401)
  vi.advanceTimersByTime(2_001)
  expect((await handle.fetch(url)).status).toBe(401)
  expect(requests).toEqual(['GET wrong', 'GET wrong'])
})

test('row 7: a revocation that the refusal uncovers is told as one, and an outage leaves the refusal', async () => {
  const { backend, handle, url } = setUp()
  await put(backend, KEY, { pat: 'old' })
  accepted = 'new'
  await handle.use(() => undefined)
  const { read } = backend
  backend.read = async () => {
    throw new CredentialVaultError('unavailable', 'away', { reason: 'sealed' })
  }
  vi.advanceTimersByTime(2_001)
  expect((await handle.fetch(url)).status).toBe(401)
  backend.read = read
  await put(backend, KEY, { pat: 'old' })
  await handle.use(() => undefined)
  await remove(backend, KEY)
  vi.advanceTimersByTime(2_001)
  expect(await rejectionOf(handle.fetch(url))).toMatchObject({ code: 'credential_revoked' })
})

test('row 7: a body that can be read only once is not sent a second time', async () => {
  const { backend, handle, url } = setUp()
  await put(backend, KEY, { pat: 'old' })
  await handle.use(() => undefined)
  await put(backend, KEY, { pat: 'new' })
  accepted = 'new'
  vi.advanceTimersByTime(2_001)
  const body = new Blob(['once']).stream()
  expect((await handle.fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit)).status).toBe(401)
  expect(requests).toEqual(['POST old'])
  expect(await handle.use(({ pat }) => pat, { fresh: true })).toBe('new')
})
