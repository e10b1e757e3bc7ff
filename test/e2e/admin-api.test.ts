import { afterEach, expect, onTestFinished, test } from 'vitest'
import { httpBrowser } from '../../examples/tickets/http-browser.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { type AdminHarness, breakable, startAdminHarness } from '../harness/admin-api.ts'
import { type HarnessOptions, linkIn, openForm } from '../harness/mcp-harness.ts'

let harness: AdminHarness

async function start(options?: HarnessOptions): Promise<AdminHarness> {
  harness = await startAdminHarness(options)
  return harness
}
afterEach(() => harness.close())

const linesOf = (type: string) => harness.audit.events.filter((event) => event.type === type)

test('list shows who has what, by provider, issuer and subject, without values', async () => {
  const { admin, store, owner } = await start()
  await store('jira', 'alice', { pat: 'pat-canary-4711' }, { accountName: 'alice@jira' })
  await store('gitlab', 'alice')
  await store('jira', 'bob')
  const { body, text, status } = await admin('GET', 'credentials')
  expect(status).toBe(200)
  expect(text).not.toContain('canary')
  expect(
    body.credentials.map((one: { provider: string; subject: string }) => `${one.provider} ${one.subject}`),
  ).toEqual(['gitlab alice', 'jira alice', 'jira bob'])
  const wanted = new URLSearchParams({ provider: 'jira', ...owner('alice') })
  const { body: one } = await admin('GET', `credentials?${wanted}`)
  expect(one.credentials).toEqual([
    expect.objectContaining({
      provider: 'jira',
      ...owner('alice'),
      state: 'active',
      version: '1',
      accountName: 'alice@jira',
    }),
  ])
  expect(linesOf('admin.listed').at(-1)).toMatchObject({
    actor: { kind: 'operator', owner: owner('olga') },
    clientId: 'ops-tool',
    address: expect.any(String),
  })
})

test('show, revoke, and revoke of everything of a provider', async () => {
  const { admin, store, owner, status } = await start()
  for (const user of ['alice', 'bob']) await store('jira', user)
  const query = new URLSearchParams({ provider: 'jira', ...owner('alice') })
  expect(await admin('GET', `credential?${query}`)).toMatchObject({
    status: 200,
    body: { state: 'active', location: expect.any(String) },
  })
  const alice = { provider: 'jira', ...owner('alice') }
  expect((await admin('POST', 'revoke', { body: alice })).body).toMatchObject({ revoked: true, purged: false })
  expect((await admin('POST', 'revoke', { body: alice })).body).toMatchObject({ revoked: false })
  expect(linesOf('credential.revoked')[0]).toMatchObject({ actor: { kind: 'operator', owner: owner('olga') } })
  const nobody = await admin('POST', 'revoke', { body: { provider: 'jira', ...owner('carol') } })
  expect(nobody).toMatchObject({ status: 404, body: { error: 'credential_absent' } })
  const all = await admin('POST', 'revoke-all', { body: { provider: 'jira', purge: true } })
  expect([all.status, all.body.credentials.map(({ result }: { result: string }) => result)]).toEqual([
    200,
    ['purged', 'purged'],
  ])
  expect([await status('jira', 'alice'), await status('jira', 'bob')]).toEqual(['absent', 'absent'])
})

test('rollback takes a rejection back, and the next call has the value again', async () => {
  const { admin, store, owner, backend } = await start()
  await store('jira', 'alice')
  const call = { signal: new AbortController().signal, correlationId: 'test' }
  const key = storageKey('jira', owner('alice'))
  const found = await backend.stat(key, call)
  if (found.status !== 'active') throw new Error('not stored')
  await backend.markRejected?.(key, found.version, new Date(), call)
  const client = await harness.connect('alice')
  expect((await client.text()).text).toContain('rejected')
  const alice = { provider: 'jira', ...owner('alice') }
  expect((await admin('POST', 'rollback', { body: alice })).body).toMatchObject({ reinstated: true })
  expect(await client.text()).toEqual({ text: 'a secret of 19 characters', isError: false })
  expect((await admin('POST', 'rollback', { body: alice })).body).toMatchObject({ reinstated: false })
})

test('expiring lists what ends soon, the first first', async () => {
  const { admin, store } = await start()
  const inDays = (days: number) => ({ expiresAt: new Date(Date.now() + days * 86_400_000) })
  await store('jira', 'alice', undefined, inDays(10))
  await store('jira', 'bob', undefined, inDays(3))
  await store('jira', 'carol', undefined, inDays(40))
  await store('jira', 'dave')
  const subjects = async (query: string) =>
    (await admin('GET', `expiring${query}`)).body.credentials.map(({ subject }: { subject: string }) => subject)
  expect(await subjects('')).toEqual(['bob', 'alice'])
  expect(await subjects('?withinDays=60&provider=jira')).toEqual(['bob', 'alice', 'carol'])
})

test('offboard ends sessions, links and waiting calls, and every credential', async () => {
  const { admin, store, owner, status, connect } = await start()
  await store('gitlab', 'alice')
  await store('jira', 'bob')
  // Alice waits for a form that she has open.
  let form: Awaited<ReturnType<typeof openForm>> | undefined
  const browser = httpBrowser()
  const alice = await connect('alice', {
    async onLink(link): Promise<'accept'> {
      form = await openForm(browser, link, 'alice')
      return 'accept'
    },
  })
  const waiting = alice.text()
  await expect.poll(() => form).toBeDefined()
  const done = await admin('POST', 'offboard', { body: owner('alice') })
  expect(done.status, done.text).toBe(200)
  expect(done.body).toMatchObject({ left: [], credentials: [{ provider: 'gitlab', result: 'revoked' }] })
  expect((await waiting).text).toMatch(/cancel/i)
  const late = await browser.press(form as NonNullable<typeof form>, 'Save', { pat: 'pat-of-the-offboarded' })
  expect(late.status).toBe(401)
  expect([await status('gitlab', 'alice'), await status('jira', 'alice')]).toEqual(['revoked', 'absent'])
  expect(await status('jira', 'bob')).toBe('active')
  const lines = harness.audit.events.filter(
    ({ correlationId }) => correlationId === linesOf('admin.offboarded')[0]?.correlationId,
  )
  expect(lines.map(({ type }) => type)).toEqual([
    'login.ended',
    'admin.listed',
    'credential.revoked',
    'admin.offboarded',
  ])
  expect(lines.at(-1)).toMatchObject({
    outcome: 'success',
    count: 1,
    actor: { kind: 'operator', owner: owner('olga') },
  })
})

test('offboard revokes what the list does not show yet, and names nothing that was never stored', async () => {
  const real = memoryBackend()
  let isBehind = false
  const backend: SecretBackend = {
    ...real,
    // As in AWS, a list may lag behind: jira was saved, and gitlab saved anew after a revocation.
    async *list(call) {
      for await (const one of real.list(call)) {
        if (!isBehind) yield one
        else if (one.key.provider === 'gitlab' && one.status.status !== 'absent')
          yield { ...one, status: { status: 'revoked', version: one.status.version } }
      }
    },
  }
  const { admin, store, owner, status } = await start({ backend })
  for (const provider of ['gitlab', 'jira']) await store(provider, 'alice')
  isBehind = true
  const planned = await admin('POST', 'offboard', { body: { ...owner('alice'), dryRun: true } })
  const results = [
    { provider: 'gitlab', result: 'would_be_revoked' },
    { provider: 'jira', result: 'would_be_revoked' },
  ]
  expect(planned.body.credentials).toEqual(expect.arrayContaining(results))
  const done = await admin('POST', 'offboard', { body: owner('alice') })
  expect([done.status, done.body.left]).toEqual([200, []])
  expect(done.body.credentials).toEqual(expect.arrayContaining(results.map((one) => ({ ...one, result: 'revoked' }))))
  expect([await status('jira', 'alice'), await status('gitlab', 'alice')]).toEqual(['revoked', 'revoked'])
  const nobody = await admin('POST', 'offboard', { body: owner('bob') })
  expect(nobody.body).toMatchObject({ credentials: [], left: [] })
  expect(linesOf('credential.revoked')).toHaveLength(2)
})

test('a backend that fails half way: 503 says what is left, and the same request again finishes it', async () => {
  const down = () => new CredentialVaultError('unavailable', 'The backend is down.')
  const { backend, mend } = breakable(memoryBackend(), 'gitlab', down)
  const { admin, store, owner, status } = await start({ backend })
  for (const provider of ['gitlab', 'jira']) await store(provider, 'alice')
  const failed = await admin('POST', 'offboard', { body: owner('alice') })
  expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '10'])
  expect(failed.body.left).toEqual([{ what: 'credential', provider: 'gitlab', error: 'unavailable' }])
  expect([await status('jira', 'alice'), await status('gitlab', 'alice')]).toEqual(['revoked', 'active'])
  expect(linesOf('admin.offboarded')[0]).toMatchObject({ outcome: 'failure', count: 1 })
  mend()
  const again = await admin('POST', 'offboard', { body: owner('alice') })
  expect([again.status, again.body.left]).toEqual([200, []])
  expect(await status('gitlab', 'alice')).toBe('revoked')
})

test('a list that cannot be read does not keep the registered providers from being revoked', async () => {
  const backend = memoryBackend()
  const broken = {
    ...backend,
    // biome-ignore lint/correctness/useYield: it fails before it lists anything
    async *list() {
      throw new CredentialVaultError('forbidden', 'This login may not list.')
    },
  }
  const { admin, store, owner, status } = await start({ backend: broken })
  for (const provider of ['gitlab', 'jira']) await store(provider, 'alice')
  const { status: code, body } = await admin('POST', 'offboard', { body: owner('alice') })
  expect([code, body.left]).toEqual([503, [{ what: 'credential_list', error: 'forbidden' }]])
  expect([await status('jira', 'alice'), await status('gitlab', 'alice')]).toEqual(['revoked', 'active'])
  await admin('POST', 'offboard', { body: { ...owner('alice'), providers: ['gitlab'] } })
  expect(await status('gitlab', 'alice')).toBe('revoked')
})

test('a dry run changes nothing', async () => {
  const { admin, store, owner, status } = await start()
  await store('jira', 'alice')
  const { body } = await admin('POST', 'offboard', { body: { ...owner('alice'), dryRun: true } })
  expect(body).toMatchObject({ dryRun: true, credentials: [{ provider: 'jira', result: 'would_be_revoked' }] })
  expect(await status('jira', 'alice')).toBe('active')
  expect([linesOf('login.ended'), linesOf('admin.offboarded')]).toEqual([[], []])
})

test('wrong methods, paths and fields are told apart for operators', async () => {
  const { admin, owner } = await start()
  expect(await admin('GET', 'offboard')).toMatchObject({ status: 405, body: { error: 'method_not_allowed' } })
  expect((await admin('POST', 'nowhere', { body: {} })).status).toBe(404)
  expect((await admin('GET', 'credentials?subject=a&subject=b')).status).toBe(400)
  const wrong = await admin('POST', 'offboard', { body: { issuer: owner('a').issuer, sub: 'pat-canary' } })
  expect(wrong).toMatchObject({ status: 400, body: { error_description: 'Wrong or missing: subject, unknown fields' } })
  expect(wrong.text).not.toContain('canary')
})

test('without the option there is nothing', async () => {
  const { admin } = await start({ admin: undefined as never })
  expect((await admin('GET', 'credentials')).status).toBe(404)
  expect(harness.vault.openPaths).not.toContain('/credentials/admin/*')
})

test('its paths are among the open ones, and the plain handler serves it', async () => {
  const { vault } = await start()
  expect(vault.openPaths).toContain('/credentials/admin/*')
  const { createServer } = await import('node:http')
  const server = createServer((request, response) => vault.nodeHandler()(request, response, () => response.end('next')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const answer = await fetch(`http://127.0.0.1:${port}/credentials/admin/credentials`)
  expect(answer.status).toBe(421)
})

test('a save that has passed its last check when its owner is offboarded is revoked too', async () => {
  const backend = memoryBackend()
  let writing = false
  let goOn = (): void => undefined
  const held = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const slow: SecretBackend = {
    ...backend,
    async write(...given) {
      writing = true
      await held
      return backend.write(...given)
    },
  }
  const { admin, owner, status, connect } = await start({ backend: slow })
  const client = await connect('alice')
  const browser = httpBrowser()
  const form = await openForm(browser, linkIn((await client.text()).text), 'alice')
  const saving = browser.press(form, 'Save', { pat: 'pat-of-alice-91c2' })
  await expect.poll(() => writing).toBe(true)
  const offboarding = admin('POST', 'offboard', { body: owner('alice') })
  await expect.poll(() => linesOf('login.ended')).toHaveLength(1)
  goOn()
  await saving
  expect((await offboarding).body.credentials).toEqual([{ provider: 'jira', result: 'revoked' }])
  expect(await status('jira', 'alice')).toBe('revoked')
})
