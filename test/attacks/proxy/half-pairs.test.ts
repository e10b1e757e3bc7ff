import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { fillIn, linkIn } from '../../harness/mcp-harness.ts'
import { type ProxyHarness, startProxyHarness, TOKENS } from '../../harness/proxy/proxy-harness.ts'

let proxy: ProxyHarness

beforeAll(async () => {
  proxy = await startProxyHarness({
    upstream: { header: 'x-service-token' },
    config: {
      credential: {
        variables: { site: { label: 'Site' }, pat: { label: 'Personal access token', type: 'password' } },
      },
      headers: { 'X-Service-Site': '{site}', 'X-Service-Token': '{pat}', 'X-Both': 'Token {site}:{pat}' },
    },
  })
})
afterAll(() => proxy.close())

test('fields of one credential travel together, composed as the operator wrote them', async () => {
  const alice = await proxy.connect('alice')
  await fillIn(linkIn((await alice.text('who_am_i')).text), 'alice', { site: 'site-of-alice', pat: TOKENS.alice })
  expect((await alice.text('who_am_i')).text).toBe('You are alice')
  expect(proxy.upstream.received.at(-1)?.headers).toMatchObject({
    'x-service-site': 'site-of-alice',
    'x-service-token': TOKENS.alice,
    'x-both': `Token site-of-alice:${TOKENS.alice}`,
  })
})

test('a credential that lacks a field is not sent by halves: its owner is asked', async () => {
  const alice = await proxy.connect('alice')
  // As an operator might, with the store's own tool.
  await proxy.harness.backend.write(
    storageKey('gitlab', proxy.harness.owner('alice')),
    { site: 'site-of-alice' },
    { expect: 'any', audit: undefined, operationId: randomUUID() },
    { signal: new AbortController().signal, correlationId: 'test' },
  )
  const sent = () => proxy.upstream.received.filter(({ body }) => body.includes('tools/call')).length
  await expect.poll(async () => (await alice.text('who_am_i')).text).toContain('/credentials/gitlab/entry')
  const before = sent()
  await alice.text('who_am_i')
  expect(sent()).toBe(before)
  expect(proxy.upstream.received.every(({ headers }) => headers['x-service-token'] === TOKENS.alice)).toBe(true)
})
