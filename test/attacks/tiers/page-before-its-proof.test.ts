import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import Koa from 'koa'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { openFormTierVault } from '../../../src/vault/tier-vaults.ts'

const variables = { pat: { label: 'Token' } } as const

/** A store whose login may read below jira and nowhere else. */
function readsJira(): SecretBackend {
  const backend = memoryBackend()
  return {
    ...backend,
    async read(key, call) {
      if (key.provider === 'jira') return backend.read(key, call)
      throw new CredentialVaultError('forbidden', 'No.')
    },
  }
}

/** A shared store that answers counts when it is told to. */
function slowStore() {
  const store = memoryPendingStore()
  const held: { isAsked: boolean; answer: () => void } = { isAsked: false, answer: () => undefined }
  let holds = false
  return {
    held,
    hold: () => {
      holds = true
    },
    store: {
      ...store,
      async countUse(...given: Parameters<typeof store.countUse>) {
        if (holds) {
          holds = false
          held.isAsked = true
          await new Promise<void>((resolve) => {
            held.answer = resolve
          })
        }
        return store.countUse(...given)
      },
    },
  }
}

async function startTier() {
  const slow = slowStore()
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const vault = await openFormTierVault({
    serverBaseUrl: url,
    identity: localUser({ name: 'alice' }),
    backend: readsJira(),
    pendingStore: slow.store,
    webKey: generateKeyText(),
    audit: memoryAudit(),
    warn: () => undefined,
  })
  const app = new Koa()
  vault.register(app)
  server.on('request', app.callback())
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await vault.close()
  })
  await new CredentialsProvider({ vault, name: 'github', variables }).ready()
  return { vault, slow, url }
}

test('a request that came before a provider was attached gets no page of it before its proof', async () => {
  const { vault, slow, url } = await startTier()
  slow.hold()
  const asked = fetch(`${url}/credentials/jira/revoke`)
  await expect.poll(() => slow.held.isAsked).toBe(true)
  const jira = new CredentialsProvider({ vault, name: 'jira', label: 'Jira of the company', variables })
  await expect(jira.ready()).rejects.toMatchObject({ reason: 'tier_keys' })
  slow.held.answer()
  const page = await asked
  expect([page.status, (await page.text()).includes('Jira of the company')]).toEqual([500, false])
})

test('a list that was asked for before a provider was attached does not have it before its proof', async () => {
  const { vault, slow, url } = await startTier()
  slow.hold()
  const asked = fetch(`${url}/credentials`)
  await expect.poll(() => slow.held.isAsked).toBe(true)
  const jira = new CredentialsProvider({ vault, name: 'jira', label: 'Jira of the company', variables })
  await expect(jira.ready()).rejects.toMatchObject({ reason: 'tier_keys' })
  slow.held.answer()
  expect(await (await asked).text()).not.toContain('Jira of the company')
  await delay(1)
})
