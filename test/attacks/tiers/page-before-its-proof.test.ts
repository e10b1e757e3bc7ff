import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { expect, onTestFinished, test } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { generateKeyText } from '../../../src/core/crypto/key-text.ts'
import { CredentialVaultError } from '../../../src/core/model/errors.ts'
import type { SecretBackend } from '../../../src/core/ports/secret-backend.ts'
import { localUser } from '../../../src/identity/local-user.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'
import { openFormTierVault } from '../../../src/vault/tier-vaults.ts'

const ALICE = { issuer: 'local-user', subject: 'alice' }
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
  const webKey = generateKeyText()
  const warnings: string[] = []
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://localhost:${(server.address() as AddressInfo).port}`
  const vault = await openFormTierVault({
    serverBaseUrl: url,
    identity: localUser({ name: 'alice' }),
    backend: readsJira(),
    pendingStore: slow.store,
    webKey,
    audit: memoryAudit(),
    warn: (message) => void warnings.push(message),
  })
  const app = new Koa()
  app.on('error', (error) => void warnings.push(String(error)))
  vault.register(app)
  server.on('request', app.callback())
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await vault.close()
  })
  await new CredentialsProvider({ vault, name: 'github', variables }).ready()
  return { vault, slow, url, webKey, warnings }
}

test('a form that was asked for before its provider was attached is not served before the proof', async () => {
  const { vault, slow, url, webKey } = await startTier()
  // The tools of the other tier, which know the provider already.
  const tools = await openVault({
    serverBaseUrl: url,
    identity: localUser({ name: 'alice' }),
    backend: memoryBackend(),
    pendingStore: { ...slow.store, shutdown: async () => undefined },
    webKey,
    audit: memoryAudit(),
    warn: () => undefined,
  })
  onTestFinished(() => tools.close())
  const asking = new CredentialsProvider({ vault: tools, name: 'jira', label: 'Jira of the company', variables })
  const { url: link } = await asking.requestCredential({ user: ALICE, correlationId: 'call' }, 'absent')
  const browser = httpBrowser()
  await browser.press(await browser.open(`${url}/credentials`), 'Continue')

  slow.hold()
  const asked = browser.open(link)
  await expect.poll(() => slow.held.isAsked).toBe(true)
  const jira = new CredentialsProvider({ vault, name: 'jira', label: 'Jira of the company', variables })
  await expect(jira.ready()).rejects.toMatchObject({ reason: 'tier_keys' })
  slow.held.answer()
  const { html } = await asked
  expect(html).not.toContain('Save credential')
  expect(html).not.toContain('Jira of the company')
})

test('a list that was asked for before a provider was attached does not have it before its proof', async () => {
  const { vault, slow, url } = await startTier()
  const browser = httpBrowser()
  await browser.press(await browser.open(`${url}/credentials`), 'Continue')
  slow.hold()
  const asked = browser.open(`${url}/credentials`)
  await expect.poll(() => slow.held.isAsked).toBe(true)
  const jira = new CredentialsProvider({ vault, name: 'jira', label: 'Jira of the company', variables })
  await expect(jira.ready()).rejects.toMatchObject({ reason: 'tier_keys' })
  slow.held.answer()
  expect((await asked).html).not.toContain('Jira of the company')
})

// Rate limits come after the check of the proof.
test('a stranger who asks for pages of a tier without its proof does not fill the log', async () => {
  const { vault, url, warnings } = await startTier()
  const jira = new CredentialsProvider({ vault, name: 'jira', variables })
  await expect(jira.ready()).rejects.toMatchObject({ reason: 'tier_keys' })
  const before = warnings.length
  for (let at = 0; at < 1_000; at += 1) await (await fetch(`${url}/credentials?${at}`)).text()
  expect(warnings.length - before).toBeLessThan(500)
})
