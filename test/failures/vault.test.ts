import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  type HashicorpVaultAuthOptions,
  type HashicorpVaultOptions,
  vaultBackend,
} from '../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { vendorName } from '../../src/backends/vendor/vendor-name.ts'
import { gateTexts } from '../../src/core/gate/gate-texts.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import type { SecretBackend } from '../../src/core/ports/secret-backend.ts'
import { call, put, refOf } from '../../src/testing/secret-backend/calls.ts'
import type { VendorOperator } from '../../src/testing/secret-backend/harness.ts'
import { advanceClock } from '../harness/advance-clock.ts'
import { jsonAnswer, type ProxiedRequest } from '../harness/fault-proxy.ts'
import { hashicorpOperator } from '../harness/hashicorp-vault/hashicorp-operator.ts'
import { type OpenBao, ROOT_TOKEN, startOpenBao } from '../harness/hashicorp-vault/open-bao.ts'
import { startVaultProxy, type VaultProxy } from '../harness/hashicorp-vault/vault-proxy.ts'
import { rejectionOf } from '../harness/thrown-error.ts'
import { ALICE, afterTtl, KEY, PAT, storeUnderTest } from './store-under-test.ts'

let bao: OpenBao
let proxy: VaultProxy
let mount: string
let operator: VendorOperator
const backends: SecretBackend[] = []
const warnings: string[] = []

beforeAll(async () => {
  bao = await startOpenBao()
  proxy = await startVaultProxy(bao.address)
})
afterAll(async () => {
  await proxy.close()
  await bao.stop()
})
beforeEach(async () => {
  mount = await bao.newMount()
  operator = hashicorpOperator(bao, mount)
  warnings.length = 0
})
afterEach(async () => {
  proxy.fault('none')
  proxy.answer(undefined)
  await proxy.up().catch(() => undefined)
  await Promise.all(backends.splice(0).map((backend) => backend.close()))
  proxy.requests.length = 0
})

async function connect(given: Partial<HashicorpVaultOptions> = {}): Promise<SecretBackend> {
  const backend = vaultBackend({
    address: proxy.endpoint,
    auth: { method: 'token', token: ROOT_TOKEN },
    mount,
    warn: (message) => warnings.push(message),
    ...given,
  })
  await backend.open()
  backends.push(backend)
  return backend
}

async function store(options: Partial<HashicorpVaultOptions> = {}, given: Parameters<typeof storeUnderTest>[1] = {}) {
  return storeUnderTest(await connect(options), given)
}

const isData = ({ url }: ProxiedRequest) => url.includes('/data/')
const reads = () => proxy.requests.filter((request) => request.method === 'GET' && isData(request)).length
const logins = () => proxy.requests.filter(({ url }) => /^\/v1\/auth\/.*\/login$/.test(url)).length

/** An AppRole that may do everything below the mount, with tokens as given. */
async function appRole(
  settings: Readonly<Record<string, unknown>>,
): Promise<{ name: string; auth: HashicorpVaultAuthOptions }> {
  const name = `role-${crypto.randomUUID().slice(0, 8)}`
  await bao.api('POST', 'sys/auth/approle', { type: 'approle' }).catch(() => undefined)
  const policy = `path "${mount}/*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }`
  await bao.api('PUT', `sys/policies/acl/${name}`, { policy })
  await bao.api('POST', `auth/approle/role/${name}`, { token_policies: name, ...settings })
  const { body } = await bao.api('GET', `auth/approle/role/${name}/role-id`)
  const { body: secret } = await bao.api('POST', `auth/approle/role/${name}/secret-id`)
  const { role_id: roleId } = body.data
  return { name, auth: { method: 'approle', roleId, secretId: secret.data.secret_id } }
}

describe('what an operator does', () => {
  test('row 1: never connected is absent, and asked for again within two seconds only once', async () => {
    const { release, status, refusal } = await store()
    await refusal(release(), 'credential_absent')
    await refusal(release(), 'credential_absent')
    expect(await status()).toBe('absent')
    expect(reads()).toBe(1)
    expect(gateTexts.ask('Jira', 'absent')).toContain('enter your own Jira credential')
  })

  test('row 2: a version deleted by hand is revoked within the TTL', async () => {
    const { release, save, status, refusal } = await store()
    await save()
    expect(await release()).toBe(PAT)
    await operator.remove(KEY)
    expect(await release()).toBe(PAT)
    afterTtl()
    await refusal(release(), 'credential_revoked')
    expect(await status()).toBe('revoked')
    expect(gateTexts.ask('Jira', 'revoked')).toContain('was revoked or has expired')
  })

  test('row 3: a destroyed version and one past its time are revoked', async () => {
    const { release, save, refusal } = await store()
    await save()
    await operator.destroy(KEY)
    await refusal(release(), 'credential_revoked')

    await bao.api('POST', `${mount}/config`, { delete_version_after: '1s' })
    await save()
    const told = () => {
      afterTtl()
      return release().catch(({ code }) => code)
    }
    await expect.poll(told).toBe('credential_revoked')
  })

  test('row 4: a purged credential is absent within the TTL', async () => {
    const { release, save, refusal } = await store()
    await save()
    await release()
    await operator.purge(KEY)
    afterTtl()
    await refusal(release(), 'credential_absent')
  })

  test('row 5: one that was undeleted works again', async () => {
    const { release, save, refusal, credentials } = await store()
    await save()
    await operator.remove(KEY)
    await refusal(release(), 'credential_revoked')
    await operator.restore(KEY)
    credentials.forget(KEY)
    expect(await release()).toBe(PAT)
  })

  test('row 6: a value rotated by hand is used within the TTL, and what we noted about the old one is not believed', async () => {
    const { release, save, credentials, context } = await store()
    await save()
    expect(await release()).toBe(PAT)
    await operator.put(KEY, { pat: 'rotated by hand', other: 'field' })
    afterTtl()
    expect(await release()).toBe('rotated by hand')
    credentials.forget(KEY)
    expect(await credentials.status(KEY, context)).not.toHaveProperty('fields')
    expect(await credentials.fieldNames(KEY, context)).toEqual(['other', 'pat'])
  })

  test('row 8: one that was purged and made again is another one, whatever its number', async () => {
    const { backend, release } = await store()
    const before = await put(backend, KEY, { pat: 'before' })
    await operator.purge(KEY)
    await operator.put(KEY, { pat: 'after' })
    expect(await release()).toBe('after')
    const status = await backend.stat(KEY, call())
    expect(status).toMatchObject({ version: { label: before.label } })
    expect(refOf(status)).not.toBe(before.ref)
    const stale = put(backend, KEY, { pat: 'stale' }, { expect: { version: before.ref } })
    expect(await rejectionOf(stale)).toMatchObject({ code: 'conflict' })
  })

  test('row 20: a change that somebody else was faster than overwrites nothing, and says so', async () => {
    const { save, credentials, context, refusal, release } = await store()
    const { ref: version } = await save()
    await operator.put(KEY, { pat: 'theirs' })
    const { tool, error } = await refusal(
      credentials.revoke(KEY, { purge: false, expect: { version } }, context),
      'conflict',
      'version',
    )
    expect(error.message).toContain('Read it again, then decide')
    expect(tool).toContain('try again')
    let raced = false
    proxy.answer((request) => {
      if (request.method !== 'POST' || !isData(request) || raced) return undefined
      raced = true
      return jsonAnswer(400, { errors: ['check-and-set parameter did not match the current version'] })
    })
    await credentials.rotate(KEY, { value: 'rotated' }, context)
    expect(raced).toBe(true)
    expect(await release()).toBe('rotated')
  })

  test('row 29: a value of another shape is malformed, by the names of its fields', async () => {
    const { release, refusal } = await store()
    await operator.put(KEY, { pat: { nested: PAT } })
    const { error } = await refusal(release(), 'credential_malformed')
    expect(error.message).toContain('pat')
    await operator.put(KEY, { other: PAT })
    await refusal(release(), 'credential_malformed')
    await operator.put(KEY, { pat: PAT })
    expect(await release()).toBe(PAT)
    expect(gateTexts.malformed('Jira', { url: 'https://form', hasLogin: true })).toContain('incomplete or damaged')
  })

  test('row 30: a mount that asks for compare-and-set gets it', async () => {
    await bao.api('POST', `${mount}/config`, { cas_required: true })
    const { save, release, revoke } = await store()
    await save()
    await save('second')
    expect(await release()).toBe('second')
    expect(await revoke()).toBe(true)
    await save('third')
    expect(await release()).toBe('third')
  })
})

describe('outages', () => {
  test.each([
    ['row 10: no leader', 500, 'local node not active but active cluster node not found', 'standby'],
    ['row 10: a standby without a leader', 503, 'no active Vault instance found', 'standby'],
    ['row 9: sealed', 503, 'Vault is sealed', 'sealed'],
  ])('%s: never reads as not connected, and a cached value is good until its time', async (_, status, text, reason) => {
    const { save, release, refusal, credentials, context } = await store()
    await save()
    expect(await release()).toBe(PAT)
    proxy.answer(() => jsonAnswer(status, { errors: [text] }))
    expect(await release()).toBe(PAT)
    afterTtl()
    const { tool, form } = await refusal(release(), 'unavailable', reason)
    expect(tool).toContain('It has not been lost; try again later')
    expect(form).toContain('The credential store refused the request or cannot be reached')
    const state = await rejectionOf(credentials.status(KEY, context))
    expect(state.code).toBe('unavailable')
    proxy.answer(undefined)
    credentials.close()
  })

  test('row 9: a server that is really sealed, and unsealed again', async () => {
    const own = await startOpenBao()
    try {
      const printed = () => /Unseal Key: (\S+)/.exec(own.process.output())?.[1]
      await expect.poll(printed).toBeDefined()
      const backend = await connect({ address: own.address, mount: 'secret' })
      const { save, release, refusal } = storeUnderTest(backend, { ttl: 0 })
      await save()
      await own.api('PUT', 'sys/seal', {})
      const { tool } = await refusal(release(), 'unavailable', 'sealed')
      expect(tool).not.toContain('enter')
      await own.api('PUT', 'sys/unseal', { key: printed() })
      await expect.poll(release).toBe(PAT)
    } finally {
      await own.stop()
    }
  })

  test('row 11: an address that refuses or does not exist is unavailable at start', async () => {
    const refused = await rejectionOf(connect({ address: 'http://127.0.0.1:1' }))
    expect(refused).toMatchObject({ code: 'unavailable', reason: 'connection' })
    const unknown = await rejectionOf(connect({ address: 'https://vault.invalid:8200' }))
    expect(unknown).toMatchObject({ code: 'unavailable', reason: 'connection' })
  })

  test('row 11: a certificate of an unknown authority or another name is misconfigured, and the right one works', async () => {
    const own = await startOpenBao({ tls: true })
    try {
      const at = (given: HashicorpVaultOptions['tls']) => connect({ address: own.address, mount: 'secret', tls: given })
      expect(await rejectionOf(at({}))).toMatchObject({ code: 'configuration_invalid', reason: 'tls' })
      const caFile = `${own.folder}/vault-ca.pem`
      const otherName = await rejectionOf(at({ caFile, serverName: 'vault.example.com' }))
      expect(otherName).toMatchObject({ code: 'configuration_invalid', reason: 'tls' })
      expect((await at({ caFile })).name).toBe('vault')
      expect((await at({ dangerouslySkipVerification: true })).name).toBe('vault')
      expect(warnings.join()).toContain('certificate is not checked')
    } finally {
      await own.stop()
    }
  })

  test.each(['hanging', 'dripping'] as const)(
    'row 12: a server that is %s is given up within the deadline',
    async (fault) => {
      const { save, backend } = await store()
      await save()
      const { release, refusal } = storeUnderTest(backend, { deadline: 600 })
      proxy.fault(fault)
      const { tool } = await refusal(release(), 'unavailable', 'timeout')
      expect(tool).toContain('cannot be reached right now')
    },
  )

  test('row 13: a page with status 200 or 403 is no answer of Vault, and no reason to evict anything', async () => {
    const { save, release, refusal } = await store()
    await save()
    expect(await release()).toBe(PAT)
    for (const status of [200, 403]) {
      proxy.answer(() => ({ status, headers: { 'content-type': 'text/html' }, body: Buffer.from('<html>blocked') }))
      expect(await release()).toBe(PAT)
    }
    afterTtl()
    await refusal(release(), 'unavailable', 'not_vault')
  })

  test.each([
    ['a gateway without a route', 404, { message: 'no Route matched with those values' }],
    ['somebody else’s answer', 200, { status: 'ok' }],
    ['a gateway that is down', 503, { message: 'upstream unavailable' }],
  ])('row 13: %s in JSON is no answer of Vault either', async (_, status, body) => {
    const { save, release, refusal, revoke, status: state } = await store({}, { ttl: 0 })
    await save()
    proxy.answer(() => jsonAnswer(status, body))
    const { error } = await refusal(release(), status === 404 ? 'configuration_invalid' : 'unavailable')
    expect(error.code).not.toBe('credential_absent')
    expect((await rejectionOf(state())).code).toBe(error.code)
    expect((await rejectionOf(revoke())).code).toBe(error.code)
    proxy.answer(undefined)
    await expect.poll(release).toBe(PAT)
  })

  test('row 12: of two nodes one that hangs does not take the whole time of a read', async () => {
    const { save, release } = await store({ address: [proxy.endpoint, bao.address] }, { ttl: 0 })
    await save()
    proxy.fault('hanging')
    expect(await release()).toBe(PAT)
  })

  test('row 18: a replica that is behind is asked again', async () => {
    const { save, release, refusal } = await store()
    await save()
    let behind = 2
    proxy.answer((request) => {
      behind -= isData(request) ? 1 : 0
      return behind >= 0 ? jsonAnswer(412, { errors: ['required index state not present'] }) : undefined
    })
    expect(await release()).toBe(PAT)
    afterTtl()
    proxy.answer(() => jsonAnswer(412, { errors: ['required index state not present'] }))
    await refusal(release(), 'unavailable', 'replica_behind')
  })

  test('row 19: a rate limit is told with its time, and a cached value is served meanwhile', async () => {
    const { save, release, refusal } = await store()
    await save()
    expect(await release()).toBe(PAT)
    proxy.fault('throttled')
    expect(await release()).toBe(PAT)
    afterTtl()
    const { tool, error } = await refusal(release(), 'unavailable', 'throttled')
    expect(error.retryAfterSeconds).toBe(30)
    expect(tool).toContain('try again in 30 seconds')
    const { form } = await refusal(save('second'), 'unavailable', 'throttled')
    expect(form).toContain('Try again in 30 seconds')
  })

  test('row 34: a server that hangs in the middle of a write, as with a blocked audit device, leaves its outcome open', async () => {
    const { save, release, backend } = await store()
    await save()
    const impatient = storeUnderTest(backend, { deadline: 600 })
    proxy.fault('hanging', (request) => request.method === 'POST')
    const { form } = await impatient.refusal(impatient.save('second'), 'outcome_unknown', 'timeout')
    expect(form).toContain('Enter the credential again')
    proxy.fault('none')
    expect(await release()).toBe(PAT)
  })

  test('row 40: what is cached outlives a revocation during an outage by the TTL and no longer', async () => {
    const { save, release, refusal } = await store()
    await save()
    expect(await release()).toBe(PAT)
    await operator.destroy(KEY)
    proxy.fault('sealed')
    expect(await release()).toBe(PAT)
    afterTtl()
    await refusal(release(), 'unavailable')
  })
})

describe('writes', () => {
  test('row 21: a save whose answer is lost is found, and stored once or twice but acknowledged', async () => {
    const { save, release, backend } = await store()
    let lost = 0
    proxy.fault('lost', (request) => request.method === 'POST' && isData(request) && lost++ === 0)
    await save()
    expect(lost).toBeGreaterThan(0)
    expect(await release()).toBe(PAT)
    expect(await backend.stat(KEY, call())).toMatchObject({ status: 'active' })
  })

  test('row 22: a save whose labels cannot be written is a save, with a warning', async () => {
    const { save, release, credentials, context } = await store()
    await save()
    proxy.fault('denied', (request) => request.method === 'PATCH')
    await save('second')
    expect(warnings.join()).toContain('could not be written (policy)')
    expect(warnings.join()).not.toContain('second')
    expect(await release()).toBe('second')
    expect(await credentials.fieldNames(KEY, context)).toEqual(['pat'])
  })

  test('row 38: a save that is cut off leaves the old value or the new one, whole', async () => {
    const backend = await connect()
    const both = (value: string) => ({ pat: value, site: value })
    await put(backend, KEY, both('start'))
    const offered = [both('start')]
    for (let i = 0; i < 20; i += 1) {
      offered.push(both(`value ${i}`))
      const abort = new AbortController()
      setTimeout(() => abort.abort(), Math.random() * 12)
      const intent = { expect: 'any', audit: { writer: 'w', seq: 1 }, operationId: crypto.randomUUID() } as const
      await backend.write(KEY, both(`value ${i}`), intent, call(abort.signal)).catch(() => undefined)
      const found = await backend.read(KEY, call())
      expect(offered).toContainEqual(found.status === 'active' && { ...found.values })
    }
  })
})

describe('logins', () => {
  test('row 14: a token that is revoked is replaced, and nobody notices', async () => {
    const { auth } = await appRole({ token_ttl: '1h' })
    const { save, release } = await store({ auth }, { ttl: 0 })
    await save()
    await new Promise((resolve) => setTimeout(resolve, 50))
    const token = String(proxy.requests.findLast(isData)?.headers['x-vault-token'])
    await bao.api('POST', 'auth/token/revoke', { token })
    expect(await release()).toBe(PAT)
    expect(logins()).toBe(2)
    expect(String(proxy.requests.findLast(isData)?.headers['x-vault-token'])).not.toBe(token)
  })

  test('row 14: many calls with a revoked token all go on with the next one', async () => {
    const { auth } = await appRole({ token_ttl: '1h' })
    const backend = await connect({ auth })
    await put(backend, KEY, { pat: PAT })
    advanceClock(5_000)
    const token = String(proxy.requests.findLast(isData)?.headers['x-vault-token'])
    await bao.api('POST', 'auth/token/revoke', { token })
    const found = await Promise.all(Array.from({ length: 12 }, () => backend.read(KEY, call())))
    expect(found.map(({ status }) => status)).toEqual(Array.from({ length: 12 }, () => 'active'))
    expect(logins()).toBe(2)
    expect(proxy.requests.filter(({ url }) => url.endsWith('lookup-self')).length).toBe(1)
  })

  test('row 15: a login whose answer is lost is made again, and says nothing about the credential', async () => {
    const { auth } = await appRole({ token_ttl: '1h' })
    let lost = 0
    proxy.fault('lost', ({ url }) => url.endsWith('/login') && lost++ === 0)
    const error = await rejectionOf(connect({ auth }))
    expect(error).toMatchObject({ code: 'unavailable' })
    expect((await connect({ auth })).name).toBe('vault')
  })

  test('row 15: a login function that never comes back is given up, and asked again later', async () => {
    let asked = 0
    const login = async () => {
      asked += 1
      if (asked === 1) await new Promise(() => undefined)
      return { token: ROOT_TOKEN, ttlSeconds: 0, renewable: false }
    }
    expect(await rejectionOf(connect({ auth: { method: 'custom', login } }))).toMatchObject({ code: 'unavailable' })
    const again = vaultBackend({ address: proxy.endpoint, mount, auth: { method: 'custom', login } })
    await again.open()
    await again.close()
  })

  test('row 15: a slow refusal after the time of a call is over harms nobody else', async () => {
    const rejections: unknown[] = []
    const hear = (error: unknown) => void rejections.push(error)
    process.on('unhandledRejection', hear)
    const { name, auth } = await appRole({ token_ttl: '1h' })
    const backend = await connect({ auth })
    await put(backend, KEY, { pat: PAT })
    const token = String(proxy.requests.findLast(isData)?.headers['x-vault-token'])
    await bao.api('DELETE', `auth/approle/role/${name}`)
    await bao.api('POST', 'auth/token/revoke', { token })
    for (const milliseconds of [1, 5, 20, 100, 230])
      await rejectionOf(backend.read(KEY, call(AbortSignal.timeout(milliseconds))))
    await new Promise((resolve) => setTimeout(resolve, 300))
    process.off('unhandledRejection', hear)
    expect(rejections).toEqual([])
  })

  test('row 15: a login that is refused says so, and is not tried again for five seconds', async () => {
    const { name, auth } = await appRole({ token_ttl: '1h' })
    const { save, release, refusal, credentials } = await store({ auth }, { ttl: 0 })
    await save()
    const token = String(proxy.requests.findLast(isData)?.headers['x-vault-token'])
    await bao.api('DELETE', `auth/approle/role/${name}`)
    await bao.api('POST', 'auth/token/revoke', { token })
    const { tool, form } = await refusal(release(), 'unauthenticated')
    expect(tool).toContain('a problem on this server')
    expect(form).not.toContain('role')
    const before = logins()
    for (let i = 0; i < 5; i += 1) await refusal(release(), 'unauthenticated')
    expect(logins()).toBe(before)
    await refusal(credentials.save(KEY, { pat: PAT }, { correlationId: 'c' }), 'unauthenticated')
  })

  test('row 16: a policy that forbids it is forbidden, and never "connect"; nothing is kept', async () => {
    const { name, auth } = await appRole({ token_ttl: '1h' })
    const { save, release, refusal, health } = await store({ auth })
    await save()
    expect(await release()).toBe(PAT)
    await bao.api('PUT', `sys/policies/acl/${name}`, {
      policy: `path "${mount}/metadata/*" { capabilities = ["read"] }`,
    })
    afterTtl()
    const { tool } = await refusal(release(), 'forbidden', 'policy')
    expect(tool).toContain('Entering it again will not help')
    expect(health.problems().get('backend')).toBe('policy')
    await bao.api('PUT', `sys/policies/acl/${name}`, { policy: `path "${mount}/*" { capabilities = ["read"] }` })
    await expect.poll(release).toBe(PAT)
  })

  test('row 35: two users with tokens of their own at once never use each other’s', async () => {
    const { jwt, auth: userAuth } = await jwtMethod()
    const backend = await connect({ userAuth })
    const keys = ['alice', 'bob'].map((subject) => storageKey('jira', { ...ALICE, subject }))
    for (const key of keys) await put(backend, key, { pat: `of ${key.owner.subject}` })
    proxy.requests.length = 0
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const key = keys[i % 2] ?? KEY
        const assertion = () => jwt(key.owner.subject)
        expect(await backend.read(key, { ...call(), assertion })).toMatchObject({
          values: { pat: `of ${key.owner.subject}` },
        })
      }),
    )
    const tokens = (subject: string) =>
      new Set(
        proxy.requests.filter(({ url }) => url.endsWith(`/${subject}`)).map(({ headers }) => headers['x-vault-token']),
      )
    expect(tokens('alice').size).toBe(1)
    expect(tokens('bob').size).toBe(1)
    expect([...tokens('alice')]).not.toEqual([...tokens('bob')])
    const [alice = KEY] = keys
    const asBob = { ...call(), assertion: () => jwt('bob') }
    const fresh = await connect({ userAuth })
    expect(await rejectionOf(fresh.read(alice, asBob))).toMatchObject({ code: 'forbidden' })
    expect(await rejectionOf((await connect({ userAuth })).read(alice, call()))).toMatchObject({
      code: 'unauthenticated',
      reason: 'assertion',
    })
  })

  test('row 35: a user’s own token marks that user’s rejected value, and nobody else’s', async () => {
    const { jwt, auth: userAuth } = await jwtMethod()
    const backend = await connect({ userAuth })
    const version = await put(backend, KEY, { pat: 'refused' })
    const as = (subject: string) => ({ ...call(), assertion: () => jwt(subject) })
    expect(
      await rejectionOf(backend.markRejected?.(KEY, version, new Date(), as('bob')) ?? Promise.resolve()),
    ).toMatchObject({
      code: 'forbidden',
    })
    const fresh = await connect({ userAuth })
    const own = as(KEY.owner.subject)
    proxy.requests.length = 0
    expect(await fresh.markRejected?.(KEY, version, new Date(), own)).toBe(true)
    expect(await fresh.read(KEY, own)).toMatchObject({ labels: { rejectedAt: expect.any(Date) } })
    expect(new Set(proxy.requests.map(({ headers }) => headers['x-vault-token']))).not.toContain(ROOT_TOKEN)
  })

  test.each([
    ['768 hours', { token_ttl: '768h', token_max_ttl: '768h' }, 0],
    ['an hour, as a batch token', { token_ttl: '1h', token_type: 'batch' }, 0],
    ['one second', { token_ttl: '1s', token_max_ttl: '2s' }, 1],
  ])('row 36: a token that lasts %s is neither renewed nor asked for in a loop', async (_, settings, perSecond) => {
    const { auth } = await appRole(settings)
    const { save, release } = await store({ auth }, { ttl: 0 })
    await save()
    const began = performance.now()
    while (performance.now() < began + 2_500) {
      expect(await release()).toBe(PAT)
      await delay(40)
    }
    const most = 1 + Math.ceil(((performance.now() - began) / 1000) * perSecond)
    const renewals = proxy.requests.filter(({ url }) => url.endsWith('/renew-self')).length
    expect(logins()).toBeLessThanOrEqual(most)
    expect(renewals).toBeLessThanOrEqual(most * 2)
  })

  test('row 36: a token that never ends is used as it is', async () => {
    const { save, release } = await store()
    await save()
    expect(await release()).toBe(PAT)
    expect(proxy.requests.filter(({ url }) => url.includes('renew'))).toEqual([])
  })

  test('row 39: a wrapped secret id works once, and a second start says what that may mean', async () => {
    const { name, auth } = await appRole({ token_ttl: '1h' })
    if (auth.method !== 'approle') throw new Error('it is an AppRole')
    const { writeFileSync } = await import('node:fs')
    const path = `${bao.folder}/wrapped`
    const wrap = await fetch(`${bao.address}/v1/auth/approle/role/${name}/secret-id`, {
      method: 'POST',
      headers: { 'x-vault-token': ROOT_TOKEN, 'x-vault-wrap-ttl': '60' },
    })
    const wrapped = (await wrap.json()) as { wrap_info: { token: string } }
    writeFileSync(path, wrapped.wrap_info.token)
    const wrappedAuth: HashicorpVaultAuthOptions = {
      method: 'approle',
      roleId: auth.roleId,
      wrappedSecretIdFile: path,
      role: name,
    }
    const { save, release } = await store({ auth: wrappedAuth })
    await save()
    expect(await release()).toBe(PAT)
    const again = await rejectionOf(connect({ auth: wrappedAuth }))
    expect(again).toMatchObject({ code: 'unauthenticated', reason: 'already_unwrapped' })
    expect(again.message).toContain('treat the role as compromised')
  })
})

describe('surroundings', () => {
  test('row 17: a wrong mount, a KV version 1 mount and a wrong namespace fail at start', async () => {
    expect(await rejectionOf(connect({ mount: 'nowhere' }))).toMatchObject({
      code: 'configuration_invalid',
      reason: 'mount',
    })
    const v1 = `kv1-${crypto.randomUUID().slice(0, 8)}`
    await bao.api('POST', `sys/mounts/${v1}`, { type: 'kv', options: { version: '1' } })
    const old = await rejectionOf(connect({ mount: v1 }))
    expect(old).toMatchObject({ code: 'configuration_invalid', reason: 'kv_version' })
    expect(old.message).toContain(`vault kv enable-versioning ${v1}/`)
    expect((await rejectionOf(connect({ namespace: 'nowhere' }))).code).toMatch(/configuration_invalid|unauthenticated/)
  })

  test('row 32: Vault’s times are compared with Vault’s clock, however wrong ours is', async () => {
    const { backend } = await store()
    await bao.api('POST', `${mount}/config`, { delete_version_after: '5m' })
    await put(backend, KEY, { pat: PAT })
    const { body } = await bao.api('GET', `${mount}/metadata/mcp/${vendorName(KEY, 'readable').path}`)
    const at = (minutes: number) =>
      jsonAnswer(200, body, { date: new Date(Date.now() + minutes * 60_000).toUTCString() })
    proxy.answer(({ url }) => (url.includes('/metadata/') ? at(-10) : undefined))
    expect((await backend.stat(KEY, call())).status).toBe('active')
    proxy.answer(({ url }) => (url.includes('/metadata/') ? at(10) : undefined))
    expect((await backend.stat(KEY, call())).status).toBe('revoked')
  })

  test('row 33: a redirect to another host is not followed, and nothing is sent there', async () => {
    const { save, release, refusal } = await store()
    await save()
    const elsewhere: string[] = []
    const other = createServer((request, response) => {
      elsewhere.push(String(request.headers['x-vault-token']))
      response.end('{}')
    })
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    try {
      const location = `http://127.0.0.1:${(other.address() as AddressInfo).port}/v1/stolen`
      proxy.answer((request) => (isData(request) ? jsonAnswer(307, {}, { location }) : undefined))
      const { tool } = await refusal(release(), 'configuration_invalid', 'redirect')
      expect(tool).toContain('a problem on this server')
      await refusal(save('second'), 'configuration_invalid', 'redirect')
      expect(elsewhere).toEqual([])
    } finally {
      other.close()
    }
  })

  test('row 33: a redirect to another node of the cluster is followed, with the body', async () => {
    const direct = bao.address
    const { save, release } = await store({ address: [proxy.endpoint, direct] })
    proxy.answer((request) =>
      isData(request) ? jsonAnswer(307, {}, { location: `${direct}${request.url}` }) : undefined,
    )
    await save()
    expect(await release()).toBe(PAT)
  })

  test('row 37: proxies, tokens and TLS settings of the environment have no part in it', async () => {
    const through: string[] = []
    const trap = createServer((request, response) => {
      through.push(String(request.url))
      response.end('{}')
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const address = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`
    const surprises = {
      HTTP_PROXY: address,
      http_proxy: address,
      HTTPS_PROXY: address,
      ALL_PROXY: address,
      NODE_USE_ENV_PROXY: '1',
      VAULT_ADDR: address,
      VAULT_TOKEN: 'not ours',
      VAULT_NAMESPACE: 'not-ours',
      VAULT_PREFIX: '/not-ours',
      VAULT_SKIP_VERIFY: 'false',
      VAULT_CACERT: '/nowhere.pem',
    }
    const before = { ...process.env }
    Object.assign(process.env, surprises)
    try {
      const { save, release } = await store()
      await save()
      expect(await release()).toBe(PAT)
      expect(through).toEqual([])
      expect(proxy.requests.every(({ headers }) => headers['x-vault-token'] === ROOT_TOKEN)).toBe(true)
      expect(proxy.requests.some(({ headers }) => headers['x-vault-namespace'] !== undefined)).toBe(false)
      const own = await startOpenBao({ tls: true })
      const rejected = await rejectionOf(connect({ address: own.address, mount: 'secret' })).finally(own.stop)
      expect(rejected.reason).toBe('tls')
    } finally {
      for (const name of Object.keys(surprises)) {
        if (before[name] === undefined) delete process.env[name]
        else process.env[name] = before[name]
      }
      trap.close()
    }
  })
})

/** The JWT method with a key of our own, and a policy that lets each user read their own path. */
async function jwtMethod() {
  const { exportSPKI, generateKeyPair, SignJWT } = await import('jose')
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const path = `jwt-${crypto.randomUUID().slice(0, 8)}`
  await bao.api('POST', `sys/auth/${path}`, { type: 'jwt' })
  await bao.api('POST', `auth/${path}/config`, {
    jwt_validation_pubkeys: [await exportSPKI(publicKey)],
    bound_issuer: 'https://login.example.com',
  })
  const { body } = await bao.api('GET', 'sys/auth')
  const { accessor } = (body.data ?? body)[`${path}/`]
  const [, issuer] = vendorName(KEY, 'readable').path.split('/')
  const own = `{{identity.entity.aliases.${accessor}.name}}`
  const file = readFileSync(join(import.meta.dirname, '../../docs/backends/policies/vault-user.hcl'), 'utf8')
  const policy = file
    .replaceAll('"secret/', `"${mount}/`)
    .replaceAll('ISSUER', issuer ?? '')
    .replaceAll('{{identity.entity.aliases.ACCESSOR.name}}', own)
  await bao.api('PUT', `sys/policies/acl/${path}`, { policy })
  await bao.api('POST', `auth/${path}/role/user`, {
    role_type: 'jwt',
    user_claim: 'sub',
    bound_audiences: ['vault'],
    token_type: 'batch',
    token_ttl: '5m',
    token_policies: [path],
  })
  const jwt = (subject: string) =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer('https://login.example.com')
      .setSubject(subject)
      .setAudience('vault')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
  return { jwt, auth: { mount: path, role: 'user' } }
}
