import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import type { PendingKey } from '../../src/core/ports/pending-store.ts'
import type { ToolExtra } from '../../src/mcp/sdk-v1/index.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import {
  fillIn,
  type Harness,
  type HarnessOptions,
  jiraVariables,
  linkIn,
  openForm,
  startHarness,
} from '../harness/mcp-harness.ts'

const SECRET = 'tok-3f9d2c71e8b04a56'

let harness: Harness
const start = async (options: HarnessOptions = {}) => {
  harness = await startHarness(options)
}
afterEach(() => harness.close())

/** A gate that a test opens. */
function barrier() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const statusOf = async (path: string) => (await fetch(`${harness.baseUrl}${path}`)).status
const readiness = async () => {
  const answer = await fetch(`${harness.baseUrl}/readyz`)
  return { status: answer.status, body: (await answer.json()) as unknown }
}

/** The key of the request whose link is in the text. */
function keyOf(text: string): PendingKey {
  const handle = new URL(linkIn(text)).searchParams.get('t') ?? ''
  return createHash('sha256').update(handle).digest('base64url') as PendingKey
}

/** Tools that need the account `work`: for one the gate names it, for the other the handler chooses it. */
const accountTools: NonNullable<HarnessOptions['tools']> = (server, gate, { vault }) => {
  const forge = new CredentialsProvider({ vault, name: 'forge', variables: jiraVariables, accounts: ['work'] })
  const handler = async (extra: ToolExtra) => {
    const length = await forge.getCredentials(extra, { account: 'work' }).use(({ pat }) => String(pat).length)
    return { content: [{ type: 'text' as const, text: `finished with ${length}` }] }
  }
  server.registerTool('at_work', {}, gate(forge, { account: 'work' }, handler))
  server.registerTool('chosen', {}, gate(forge, handler))
}

/** Tools that tell when they began and end when they are told to. */
function slowTools(kind: 'gated' | 'open') {
  const begun = barrier()
  const release = barrier()
  const tools: NonNullable<HarnessOptions['tools']> = (server, gate, { jira }) => {
    const handler = async () => {
      begun.open()
      await release.opened
      return { content: [{ type: 'text' as const, text: 'finished' }] }
    }
    if (kind === 'open') server.registerTool('slow', {}, handler)
    else
      server.registerTool(
        'slow',
        {},
        gate(jira, { tool: 'slow' }, async (extra) => {
          await handler()
          const length = await jira.getCredentials(extra).use(({ pat }) => String(pat).length)
          return { content: [{ type: 'text', text: `finished with ${length}` }] }
        }),
      )
  }
  return { tools, begun: begun.opened, release: release.open }
}

describe('a waiting call', () => {
  test('is answered at once, and told that its link ends with the process', async () => {
    await start()
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const call = alice.text()
    await expect.poll(() => alice.links.length).toBe(1)
    await harness.vault.close()
    expect(await call).toEqual({ isError: true, text: expect.stringMatching(/restarting.*its link has ended.*again/) })
  })

  test('of replicas that share their requests keeps its link', async () => {
    const pendingStore = { ...memoryPendingStore(), shared: true, shutdown: async () => {} }
    const webKey = generateKeyText()
    await start({ vault: { pendingStore, webKey } })
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const call = alice.text()
    await expect.poll(() => alice.links.length).toBe(1)
    await harness.vault.close()
    const { text } = await call
    expect(text).toMatch(/restarting.*The link still works/)
    expect(linkIn(text)).toBe(alice.links[0])
    expect((await pendingStore.get(keyOf(text)))?.state).toBe('open')
    expect(await pendingStore.closeUnlessAwaited(keyOf(text), 'declined')).toBe(true)
  })

  test.each([
    ['at_work', 'that the gate names'],
    ['chosen', 'that the handler chose'],
  ])('for an account is answered with its own link (%s, %s)', async (tool) => {
    const pendingStore = { ...memoryPendingStore(), shared: true, shutdown: async () => {} }
    await start({ vault: { pendingStore, webKey: generateKeyText() }, tools: accountTools })
    const fillings: Promise<unknown>[] = []
    const alice = await harness.connect('alice', {
      onLink(link) {
        if (!link.includes('@work')) fillings.push(fillIn(link, 'alice', { pat: SECRET }))
        return 'accept'
      },
    })
    const call = alice.text(tool)
    await expect.poll(() => alice.links.at(-1)).toContain('/credentials/forge@work/')
    await Promise.all(fillings)
    await harness.vault.close()
    const { text, isError } = await call
    expect(isError).toBe(true)
    expect(text).toMatch(/restarting.*your Forge \(work\) credential.*The link still works/)
    expect(linkIn(text)).toBe(alice.links.at(-1))
    expect((await pendingStore.get(keyOf(text)))?.state).toBe('open')
  })

  test('whose user has not answered the question yet is answered as well', async () => {
    await start()
    const alice = await harness.connect('alice', { onLink: () => new Promise(() => {}) })
    const call = alice.text()
    await expect.poll(() => alice.links.length).toBe(1)
    await harness.vault.close()
    expect((await call).text).toMatch(/restarting.*its link has ended/)
  })

  test('of many is answered within the same close', async () => {
    await start()
    const alice = await harness.connect('alice', { onLink: () => 'accept' })
    const calls = Array.from({ length: 30 }, () => alice.text())
    const requested = () => harness.audit.events.filter(({ type }) => type === 'credential.requested').length
    await expect.poll(requested).toBe(30)
    await harness.vault.close()
    for (const { text } of await Promise.all(calls)) expect(text).toContain('restarting')
  })
})

test('a running call finishes with its credential, while new ones are refused and /readyz says why', async () => {
  const { tools, begun, release } = slowTools('gated')
  await start({ tools })
  const alice = await harness.connect('alice')
  const { text } = await alice.text()
  await fillIn(linkIn(text), 'alice', { pat: SECRET })
  expect(await readiness()).toEqual({ status: 200, body: { status: 'ready' } })

  const slow = alice.text('slow')
  await begun
  let isClosed = false
  const closing = harness.vault.close().then(() => {
    isClosed = true
  })
  expect(await readiness()).toEqual({
    status: 503,
    body: { status: 'not_ready', problems: { server: 'draining' } },
  })
  expect(await statusOf('/healthz')).toBe(200)
  await expect(alice.text()).rejects.toThrow(/restarting and did not take the request/)
  await expect(alice.text('open')).rejects.toThrow(/restarting/)
  expect(isClosed).toBe(false)
  release()
  expect(await slow).toEqual({ text: `finished with ${SECRET.length}`, isError: false })
  await closing
  expect(harness.audit.events.filter(({ type }) => type === 'credential.resolved')).toHaveLength(1)
})

test('a running call of a tool without a gate finishes too, and its client may cancel it', async () => {
  const { tools, begun, release } = slowTools('open')
  await start({ tools })
  const alice = await harness.connect('alice')
  const slow = alice.text('slow')
  await begun
  const cancelled = new AbortController()
  const other = alice.text('slow', { signal: cancelled.signal }).catch(() => 'cancelled')
  const closing = harness.vault.close()
  cancelled.abort()
  expect(await other).toBe('cancelled')
  release()
  expect((await slow).text).toBe('finished')
  await closing
})

test('an open event stream ends', async () => {
  await start()
  const token = await harness.identityProvider.issueAccessToken('alice', {})
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const initialized = await fetch(`${harness.baseUrl}/mcp`, {
    method: 'POST',
    headers: { ...headers, accept: 'application/json, text/event-stream' },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    }),
  })
  await initialized.text()
  const session = { 'mcp-session-id': initialized.headers.get('mcp-session-id') ?? '' }
  const get = () =>
    fetch(`${harness.baseUrl}/mcp`, { headers: { ...headers, ...session, accept: 'text/event-stream' } })
  const stream = await get()
  expect(stream.status).toBe(200)
  const ended = stream.text()
  const closing = harness.vault.close()
  expect(await ended).toBe('')
  await closing
  expect((await get()).status).toBe(503)
})

describe('a form', () => {
  const withSlowWrite = async () => {
    const written = barrier()
    const release = barrier()
    await start()
    const { backend } = harness
    const write = backend.write.bind(backend)
    Object.assign(backend, {
      async write(...given: Parameters<typeof write>) {
        written.open()
        await release.opened
        return write(...given)
      },
    })
    return { written: written.opened, release: release.open }
  }

  test('that is being saved is saved, logged and acknowledged before the stores close', async () => {
    const { written, release } = await withSlowWrite()
    const alice = await harness.connect('alice')
    const { text } = await alice.text()
    const page = fillIn(linkIn(text), 'alice', { pat: SECRET })
    await written
    let isClosed = false
    const closing = harness.vault.close().then(() => {
      isClosed = true
    })
    expect((await readiness()).status).toBe(503)
    expect(isClosed).toBe(false)
    release()
    expect(textOf((await page).html)).toMatch(/Jira.*(saved|connected)/i)
    await closing
    const types = harness.audit.events.map(({ type }) => type)
    expect(types.slice(types.indexOf('credential.storing'))).toContain('credential.stored')
  })

  test('of a client that has gone is waited for as well', async () => {
    const { written, release } = await withSlowWrite()
    const alice = await harness.connect('alice')
    const browser = httpBrowser()
    const form = await openForm(browser, linkIn((await alice.text()).text), 'alice')
    const page = browser.press(form, 'Save', { pat: SECRET }).catch(() => 'gone')
    await written
    harness.disconnectAll()
    expect(await page).toBe('gone')
    const closing = harness.vault.close()
    release()
    await closing
    expect(harness.audit.events.map(({ type }) => type)).toContain('credential.stored')
  })

  test('is answered by "try again" once the stores are closed', async () => {
    await start()
    const alice = await harness.connect('alice')
    const link = linkIn((await alice.text()).text)
    await harness.vault.close()
    const answer = await fetch(link)
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('connection')]).toEqual([
      503,
      '10',
      'close',
    ])
    expect(await answer.text()).toBe('This server is restarting. Try again in a moment.')
  })
})

test('a call that does not end is cut off when the time is up, and the log is closed all the same', async () => {
  const { tools, begun, release } = slowTools('open')
  const warnings: string[] = []
  const logged: object[] = []
  const quiet = () => undefined
  let auditClosed = false
  await start({
    tools,
    warn: (message) => warnings.push(message),
    logger: { debug: quiet, info: (fields) => void logged.push(fields), warn: quiet, error: quiet },
    vault: {
      backend: { ...memoryBackend(), close: () => new Promise(() => {}) },
    },
    wrapAudit: (audit) => ({
      ...audit,
      async close() {
        auditClosed = true
        await audit.close()
      },
    }),
  })
  const alice = await harness.connect('alice')
  const slow = alice.text('slow').catch(({ message }: Error) => message)
  await begun
  await expect(harness.vault.close({ withinSeconds: 1 })).rejects.toMatchObject({
    code: 'unavailable',
    reason: 'timeout',
  })
  expect(auditClosed).toBe(true)
  // No gate counts this call, so the mount reports it.
  expect(warnings).toContainEqual(expect.stringMatching(/^1 calls or pages were still running/))
  expect(logged).toEqual([
    { component: 'server', waitingCalls: 0, runningCalls: 0, openSaves: 0 },
    { component: 'server', durationMs: expect.any(Number), cutOff: 1 },
  ])
  expect(await slow).toContain('had to restart before this call was done')
  release()
  // The harness closes it again, which waits for the first.
  harness = { ...harness, close: async () => void (await harness.identityProvider.close()) }
})

test('options that are none are named', async () => {
  await start()
  await expect(harness.vault.close({ withinSeconds: 0 })).rejects.toThrow('close.withinSeconds')
})
