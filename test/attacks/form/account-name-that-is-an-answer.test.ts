import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpBrowser } from '../../../examples/tickets/http-browser.ts'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { memoryBackend } from '../../../src/backends/memory.ts'
import { createToolCall, markCall } from '../../../src/core/gate/tool-call.ts'
import { openLocalVault } from '../../../src/vault/local/open-local-vault.ts'
import { CredentialsProvider } from '../../../src/vault/provider/credentials-provider.ts'

// A service, or whoever controls it, answers the check of a new token, and `verify` passes on what it says.
const alice = { issuer: 'local-user', subject: 'alice' }
const audit = memoryAudit()
let service: Server
let displayName: unknown
let vault: Awaited<ReturnType<typeof openLocalVault>>
let jira: CredentialsProvider

beforeAll(async () => {
  service = createServer((_, response) => response.end(JSON.stringify({ displayName })))
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const { port } = service.address() as AddressInfo
  vault = await openLocalVault({ backend: memoryBackend(), audit, name: 'alice', warn: () => undefined })
  jira = new CredentialsProvider({
    vault,
    name: 'jira',
    variables: { pat: { label: 'Token', type: 'password' } },
    async verify() {
      const answer = await fetch(`http://127.0.0.1:${port}/myself`)
      const { displayName: accountName } = (await answer.json()) as { displayName: string }
      return { ok: true, accountName }
    },
  })
  await jira.ready()
})
afterAll(async () => {
  service.close()
  await vault.close()
})

async function submit(): Promise<{ readonly status: number; readonly html: string }> {
  const call = { user: alice, correlationId: 'call' }
  const { url } = await jira.requestCredential(call, 'absent')
  const browser = httpBrowser()
  const entry = await browser.open(url)
  const form = entry.html.includes('Continue') ? await browser.press(entry, 'Continue') : entry
  return browser.press(form, 'Save', { pat: 'pat-of-alice-91c2' })
}

async function saved(): Promise<string> {
  const call = { user: alice, correlationId: 'call' }
  return jira.run(call, createToolCall([]), (inside) =>
    jira
      .getCredentials(markCall({ signal: new AbortController().signal, requestId: 1 }, inside))
      .use(({ pat }) => String(pat)),
  )
}

test.each([
  ['a page', { page: { status: 200, html: '<h1>Jira is connected</h1>' }, event: { type: 'credential.stored' } }],
  ['a redirect', { page: { status: 303, location: 'https://evil.example/login' } }],
  ['cookies and headers', { page: { status: 200, html: '' }, cookies: ['a=b'], headers: { 'X-Evil': '1' } }],
  ['a number', 42],
  ['null, as GitHub gives for people without a name', null],
  ['a list', ['Alice']],
])('a display name that is %s changes nothing of the page, and the credential is saved', async (_, given) => {
  displayName = given
  const before = audit.events.length
  const page = await submit()
  expect(page.status).toBe(200)
  expect(page.html).toContain('Jira is connected')
  expect(page.html).not.toContain('evil')
  expect(await saved()).toBe('pat-of-alice-91c2')
  const stored = audit.events.slice(before).filter(({ type }) => type === 'credential.stored')
  expect(stored.map(({ owner, provider }) => [owner, provider])).toEqual([[alice, 'jira']])
  expect(await jira.invalidateCredentials(alice)).toBe(true)
})

test('a name that is text is shown, as text', async () => {
  displayName = 'Alice <b>A.</b>'
  expect((await submit()).html).toContain('Alice &lt;b&gt;A.&lt;/b&gt;')
})
