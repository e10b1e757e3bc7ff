import type { ErrorReason } from '../../../src/core/model/error-reason.ts'
import { CredentialVaultError, type ErrorCode, isCredentialVaultError } from '../../../src/core/model/errors.ts'
import type { Faults } from '../faults.ts'
import { expectStatus, expectThat, type Flow, flow } from '../flow.ts'
import type { CanarySet } from '../secrets.ts'
import type { World } from '../world.ts'

/** A vendor's error as bad as they come: it holds every secret in every place that an error has. */
export function talkative({ values, of }: CanarySet): Error {
  const all = Object.values(values).join(' ')
  return Object.assign(new AggregateError([new Error(all)], all, { cause: new Error(all) }), {
    code: of('long'),
    status: 418,
    expose: true,
    headers: { 'x-leak': of('long') },
    response: { body: all },
    reason: of('long'),
  })
}

const own = (code: ErrorCode, reason?: ErrorReason) => async (): Promise<never> => {
  throw new CredentialVaultError(code, 'The test says so.', reason === undefined ? {} : { reason })
}

function saves(name: string, status: number, faults: (secrets: CanarySet, world: World) => Faults): Flow {
  return flow(name, async (world) => {
    const link = await world.link()
    world.faults = faults(world.secrets, world)
    const answer = await world.alice.submit(link, world.secrets.values)
    expectStatus(answer, status)
    world.faults = {}
    await world.send({ path: '/health' })
    if (status >= 400) expectStatus(await world.alice.submit(link, world.secrets.values), 303)
  })
}

/** A call whose credential is there, but for the fault. */
function calls(name: string, words: string, faults: (secrets: CanarySet) => Faults): Flow {
  return flow(name, async (world) => {
    await world.saved()
    // The error is kept, and thrown on as most tools would.
    world.probe = async (handle) => {
      const outcome = await world.thrown(() => handle.use(() => 'used'))
      if (isCredentialVaultError(outcome)) throw new Error(`${outcome.code}: ${outcome.message}`, { cause: outcome })
      throw outcome
    }
    world.faults = faults(world.secrets)
    for (const client of [world.clients.plain, world.clients.stateless]) {
      expectThat((await client.call()).text.includes(words), `"${words}"`)
    }
  })
}

const throws = (secrets: CanarySet) => async (): Promise<never> => {
  throw talkative(secrets)
}

export const saving: readonly Flow[] = [
  saves('verify refuses', 422, () => ({ verify: async () => ({ ok: false, problem: 'It is not known.' }) })),
  saves('verify refuses and quotes it', 422, () => ({
    verify: async (values) => ({ ok: false, problem: `Not known: ${Object.values(values).join(' ')}` }),
  })),
  saves('verify quotes it encoded', 422, () => ({
    verify: async ({ long = '' }) => ({ ok: false, problem: `Basic ${Buffer.from(`u:${long}`).toString('base64')}` }),
  })),
  saves('verify throws with it', 503, (secrets) => ({ verify: throws(secrets) })),
  saves('verify takes too long', 503, () => ({ verify: () => new Promise(() => {}) })),
  flow('verify names it as the account', async (world) => {
    const link = await world.link()
    world.faults = { verify: async ({ long = '' }) => ({ ok: true, accountName: long }) }
    expectStatus(await world.alice.submit(link, world.secrets.values), 303)
    expectStatus(await world.alice.get(link.done), 200)
  }),
  saves('write fails', 503, () => ({ write: own('unavailable', 'disk_full') })),
  saves('write is forbidden', 503, () => ({ write: own('forbidden') })),
  saves('write conflicts', 503, () => ({ write: own('conflict') })),
  saves('write throws with it', 503, (secrets) => ({ write: throws(secrets) })),
  saves('write rejects with the values', 503, () => ({ write: (values) => Promise.reject(values) })),
  saves('write times out', 503, () => ({ write: () => new Promise(() => {}) })),
  saves('audit fails before the write', 503, () => ({
    audit: async (type) => {
      if (type === 'credential.storing') await own('audit_unavailable', 'disk_full')()
    },
  })),
  saves('audit throws with it', 503, (secrets) => ({
    audit: async (type) => {
      if (type === 'credential.storing') throw talkative(secrets)
    },
  })),
  saves('audit fails after the write', 303, (secrets) => ({
    audit: async (type) => {
      if (type === 'credential.stored') throw talkative(secrets)
    },
  })),
  saves('pending store throws at the claim', 503, (secrets) => ({
    pending: async (operation) => {
      if (operation === 'claim') throw talkative(secrets)
    },
  })),
  saves('pending store throws at the end', 200, (secrets) => ({
    pending: async (operation) => {
      if (operation === 'close') throw talkative(secrets)
    },
  })),
  calls('read fails', 'unavailable', () => ({ read: own('unavailable', 'timeout') })),
  calls('read throws with it', 'unavailable', (secrets) => ({ read: throws(secrets) })),
  calls('state throws with it', 'right now', (secrets) => ({ stat: throws(secrets), read: throws(secrets) })),
  calls('stored value is malformed', 'credential_malformed', (secrets) => ({
    read: async () => ({
      status: 'active',
      version: { ref: 'x' as never, label: '1', createdAt: new Date() },
      values: { long: { nested: secrets.of('long') }, pem: [secrets.of('pem')] },
    }),
  })),
  calls('release is not audited', 'audit_unavailable', (secrets) => ({
    audit: async (type) => {
      if (type === 'credential.resolved') throw talkative(secrets)
    },
  })),
  flow('session lookup throws with it, which Koa prints', async (world) => {
    const link = await world.link()
    world.faults = { sessions: throws(world.secrets) }
    expectStatus(await world.alice.get(link.entry), 500)
    expectStatus(await world.alice.post(link.submit, world.secrets.values), 500)
  }),
  flow('pending store throws at the call', async (world) => {
    world.faults = {
      pending: async () => {
        throw talkative(world.secrets)
      },
    }
    for (const client of Object.values(world.clients)) await world.thrown(() => client.call())
  }),
  flow('audit throws at the call', async (world) => {
    world.faults = { audit: throws(world.secrets) }
    for (const client of Object.values(world.clients)) await world.thrown(() => client.call())
  }),
  flow('revoking fails', async (world) => {
    await world.saved()
    world.faults = { revoke: throws(world.secrets) }
    await world.thrown(() => world.provider.invalidateCredentials(world.owner))
  }),
  flow('revoked, then asked again', async (world) => {
    await world.saved()
    await world.provider.invalidateCredentials(world.owner)
    expectThat((await world.clients.plain.call()).text.includes('was revoked'), 'words about the revocation')
    await world.saved()
  }),
]
