import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { type HttpBrowser, httpBrowser, type Page, textOf } from '../../examples/tickets/http-browser.ts'
import { type MemoryAudit, memoryAudit } from '../../src/audit/memory.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import type { NodeHandler } from '../../src/core/koa/node-handler.ts'
import { CredentialVaultError } from '../../src/core/model/errors.ts'
import { storageKey } from '../../src/core/model/storage-key.ts'
import { defineVariables } from '../../src/core/model/variables.ts'
import type { FormProvider, Verification } from '../../src/core/ports/form-provider.ts'
import { localUser } from '../../src/identity/local-user.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { openFormTier } from '../../src/vault/tiers/form-tier.ts'
import { freePort } from '../harness/free-port.ts'

const TOKEN = 'pat-of-alice-7be1'
const variables = defineVariables({ pat: { label: 'Token', type: 'password' } })
const key = storageKey('jira', { issuer: 'local-user', subject: 'alice' })
const context = { correlationId: 'test' }

const jira = (verify: FormProvider['verify']): FormProvider => ({
  name: 'jira',
  label: 'Jira',
  variables,
  doc: undefined,
  destinations: [],
  verify,
})

interface Opened {
  readonly browser: HttpBrowser
  /** The list, signed in to. */
  readonly list: Page
}

async function opened(port: number, handler: NodeHandler, close: () => Promise<void>): Promise<Opened> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.close()
    await close()
  })
  const browser = httpBrowser()
  const list = await browser.press(await browser.open(`http://localhost:${port}/credentials`), 'Continue')
  return { browser, list }
}

function shared(port: number, audit: MemoryAudit) {
  const serverBaseUrl = `http://localhost:${port}`
  return {
    serverBaseUrl,
    identity: localUser({ name: 'alice' }),
    audit,
    backend: memoryBackend(),
    warn: () => undefined,
  }
}

test('in a whole vault the page tests with the values that the tools get, and both see the same state', async () => {
  const port = await freePort()
  const audit = memoryAudit()
  let verdict: Verification = { ok: true }
  const asked: unknown[] = []
  const vault = await openVault(shared(port, audit))
  const { reader } = vault.attach(
    jira(async (values) => {
      asked.push(values)
      return verdict
    }),
    async () => undefined,
  )
  const root = `${vault.serverBaseUrl.pathname}credentials`
  expect(vault.openPaths).toEqual(expect.arrayContaining([root, `${root}/{name}/test`, `${root}/{name}/revoke`]))
  const { browser, list } = await opened(port, vault.nodeHandler(), vault.close)
  const saved = await browser.press(await browser.press(list, 'Connect'), 'Save', { pat: TOKEN })
  let page = await browser.follow(saved, 'Your credentials')
  expect(textOf(page.html)).not.toContain('Last used')

  page = await browser.press(page, 'Test')
  expect(textOf(page.html)).toContain('Jira accepts your credential')
  expect(textOf(page.html)).toContain('Last used on')
  expect(asked).toEqual([{ pat: TOKEN }, { pat: TOKEN }])

  verdict = { ok: false, problem: 'It is unknown.' }
  page = await browser.press(page, 'Test')
  await expect(reader.release(key, variables, context)).rejects.toMatchObject({ code: 'credential_rejected' })
  page = await browser.press(page, 'Use it again')
  expect((await reader.release(key, variables, context)).values).toEqual({ pat: TOKEN })

  page = await browser.press(await browser.follow(page, 'Revoke'), 'Revoke')
  expect(textOf(page.html)).toContain('Your Jira credential is revoked')
  await expect(reader.release(key, variables, context)).rejects.toMatchObject({ code: 'credential_revoked' })
  expect(page.html).not.toContain(TOKEN)
})

test('a form tier alone connects, reinstates and revokes, offers no test, and reads nothing', async () => {
  const port = await freePort()
  const options = shared(port, memoryAudit())
  const { backend } = options
  const read = async () => {
    throw new CredentialVaultError('forbidden', 'a form tier may not read')
  }
  const refusing = { ...backend, read }
  const form = await openFormTier({ ...options, backend: refusing })
  form.serve(jira(async () => ({ ok: true })))
  const { browser, list } = await opened(port, form.nodeHandler(), form.close)
  const saved = await browser.press(await browser.press(list, 'Connect'), 'Save', { pat: TOKEN })
  const call = { signal: AbortSignal.timeout(5_000), correlationId: 'tool' }
  const status = await backend.stat(key, call)
  if (status.status !== 'active') throw new Error('nothing was saved')
  await backend.markRejected?.(key, status.version, new Date(), call)

  let page = await browser.follow(saved, 'Your credentials')
  expect(textOf(page.html)).toContain('Rejected by Jira')
  page = await browser.press(page, 'Use it again')
  expect(textOf(page.html)).toContain('Connected')
  expect(page.html).not.toContain('/credentials/jira/test')
  await browser.press(await browser.follow(page, 'Revoke'), 'Revoke')
  expect(await backend.stat(key, call)).toMatchObject({ status: 'revoked' })
})
