import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { vaultBackend } from '../../../src/backends/hashicorp-vault/hashicorp-vault.ts'
import { createHealth } from '../../../src/core/journal/health.ts'
import { createJournal } from '../../../src/core/journal/journal.ts'
import { isCredentialVaultError } from '../../../src/core/model/errors.ts'
import { storageKey } from '../../../src/core/model/storage-key.ts'
import { defineVariables } from '../../../src/core/model/variables.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { describeSecretBackend } from '../../../src/testing/secret-backend/suite.ts'
import { createCredentials } from '../../harness/credential-services.ts'
import { hashicorpOperator } from '../../harness/hashicorp-vault/hashicorp-operator.ts'
import { apiOf } from '../../harness/hashicorp-vault/open-bao.ts'
import { type RaftCluster, startRaftCluster } from '../../harness/hashicorp-vault/raft-cluster.ts'

let cluster: RaftCluster

beforeAll(async () => {
  cluster = await startRaftCluster()
})
afterAll(() => cluster.stop())

async function newMount(): Promise<string> {
  const mount = `kv-${randomUUID().slice(0, 8)}`
  await cluster.api('POST', `sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
  // On each node, since each prepares the new engine for itself and answers with an error until that is done.
  for (const address of cluster.addresses) {
    const node = apiOf(address, cluster.rootToken)
    const answers = () =>
      node('GET', `${mount}/data/nothing`).then(
        ({ status }) => status,
        () => 0,
      )
    await expect.poll(answers).toBe(404)
  }
  return mount
}

async function connect(mount: string, addresses = cluster.addresses): Promise<SecretBackend> {
  const backend = vaultBackend({
    address: addresses,
    auth: { method: 'token', token: cluster.rootToken },
    mount,
    warn: () => undefined,
  })
  await backend.open()
  return backend
}

describe('three nodes', () => {
  describeSecretBackend({
    test,
    async makeHarness() {
      const mount = await newMount()
      const opened: SecretBackend[] = []
      const track = async () => {
        const backend = await connect(mount)
        opened.push(backend)
        return backend
      }
      return {
        here: await track(),
        there: await track(),
        reconnect: track,
        vendor: hashicorpOperator(cluster, mount),
        close: async () => void (await Promise.all(opened.map((backend) => backend.close()))),
      }
    },
  })
})

const PATIENCE = { timeout: 90_000, interval: 50 }

test('a leader that is killed under load loses no save, and nobody is told "not connected"', async () => {
  const mount = await newMount()
  const backend = await connect(mount)
  const health = createHealth(() => undefined)
  const credentials = createCredentials({
    backend,
    journal: createJournal({ audit: memoryAudit(), health }),
    health,
    cacheTtl: 0,
  })
  const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
  const context = { correlationId: 'raft' }
  const keys = Array.from({ length: 8 }, (_, i) =>
    storageKey('jira', { issuer: 'https://login.example.com', subject: `user-${i}` }),
  )
  const acknowledged = new Map(keys.map((key) => [key, 0]))
  /** The newest value whose save may have been made although it was not acknowledged. */
  const possible = new Map(keys.map((key) => [key, 0]))
  const told = new Map<string, number>()
  let running = true
  let lastFailure = 0
  for (const key of keys) await credentials.save(key, { pat: '0' }, context)

  const writers = keys.map(async (key) => {
    for (let next = 1; running; next += 1) {
      possible.set(key, next)
      try {
        await credentials.save(key, { pat: String(next) }, context)
        acknowledged.set(key, next)
      } catch (error) {
        note(error)
      }
      await delay(20)
    }
  })
  const readers = keys.map(async (key) => {
    while (running) {
      const atLeast = acknowledged.get(key) ?? 0
      try {
        const values = await credentials.release(key, variables, context)
        const found = Number(values['pat'])
        if (found < atLeast) told.set('stale', (told.get('stale') ?? 0) + 1)
      } catch (error) {
        note(error)
      }
      await delay(20)
    }
  })
  function note(error: unknown): void {
    const code = isCredentialVaultError(error) ? error.code : 'foreign'
    told.set(code, (told.get(code) ?? 0) + 1)
    lastFailure = performance.now()
  }

  /** Resolves once every key has so many more acknowledged saves. */
  async function saved(more: number): Promise<void> {
    const atLeast = new Map(keys.map((key) => [key, (acknowledged.get(key) ?? 0) + more]))
    await vi.waitUntil(() => keys.every((key) => (acknowledged.get(key) ?? 0) >= (atLeast.get(key) ?? 0)), PATIENCE)
  }

  await saved(5)
  const leader = await cluster.leader()
  const killedAt = performance.now()
  await leader.process.stop('SIGKILL')
  await saved(20)
  running = false
  await Promise.all([...writers, ...readers])

  const recovery = lastFailure > killedAt ? lastFailure - killedAt : 0
  const saves = [...acknowledged.values()].reduce((sum, count) => sum + count, 0)
  console.log(
    `leader killed: last failure ${(recovery / 1000).toFixed(1)} s later, ${saves} saves acknowledged, told meanwhile: ${JSON.stringify(Object.fromEntries(told))}`,
  )
  expect([...told.keys()].filter((code) => !['unavailable', 'outcome_unknown', 'stale'].includes(code))).toEqual([])
  for (const key of keys) {
    const found = Number((await credentials.release(key, variables, context))['pat'])
    expect(found).toBeGreaterThanOrEqual(acknowledged.get(key) ?? 0)
    expect(found).toBeLessThanOrEqual(possible.get(key) ?? 0)
  }
  await backend.close()
})
