import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type HttpBrowser, httpBrowser, textOf } from '../../examples/tickets/http-browser.ts'
import { sealedFile } from '../../src/backends/sealed-file/sealed-file.ts'
import { generateKeyText } from '../../src/core/crypto/key-text.ts'
import { wordsIn } from '../../src/core/model/options.ts'
import { oidc } from '../../src/identity/oidc.ts'
import { memoryBrowserSessions } from '../../src/pending/memory-browser-sessions.ts'
import { memoryPendingStore } from '../../src/pending/memory-pending-store.ts'
import { auditFromEnvironment } from '../../src/vault/environment/audit-from-environment.ts'
import { openVault } from '../../src/vault/open-vault.ts'
import { CredentialsProvider } from '../../src/vault/provider/credentials-provider.ts'
import { browserClient, startIdentityProvider } from '../harness/identity/identity-provider.ts'
import { jiraVariables, openForm } from '../harness/mcp-harness.ts'
import { runCli } from '../harness/processes/run-cli.ts'
import { blocksOf, installInto, shell } from '../harness/processes/run-page-commands.ts'

const PAGE = 'docs/operating.md'
const CLIENT = 'form'

/** An operator's shell that follows the page: what one step sets stays set for the next. */
async function operator({ derived } = { derived: false }) {
  const folder = mkdtempSync(join(tmpdir(), 'key-change-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  installInto(folder)
  for (const name of ['vault', 'web', 'audit'])
    writeFileSync(join(folder, `${name}.key`), generateKeyText(), { mode: 0o600 })
  let environment: NodeJS.ProcessEnv = {
    MCP_VAULT_FOLDER: join(folder, 'data'),
    MCP_VAULT_KEY_FILE: join(folder, 'vault.key'),
    ...(!derived && { MCP_WEB_KEY_FILE: join(folder, 'web.key'), MCP_AUDIT_KEY_FILE: join(folder, 'audit.key') }),
    npm_config_update_notifier: 'false',
  }
  // Steps 1 and 2 have a second block each, for keys that are derived from the store key.
  const notFollowed = derived ? [1, 3] : [2, 4]
  const blocks = blocksOf(PAGE, 'Change a web key or audit key').filter((_, at) => !notFollowed.includes(at))
  return {
    folder,
    environment: () => environment,
    /** Runs the next block of the page, and returns what it prints. */
    async next(): Promise<string> {
      const run = shell(`${blocks.shift() ?? 'exit 99'}\necho ---\nenv`, folder, environment)
      expect(await run.ended, run.output()).toBe(0)
      const [printed = '', variables = ''] = run.output().split('---\n')
      const ours = [...variables.matchAll(/^(MCP_\w+|npm_config_\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
      environment = Object.fromEntries(ours)
      return printed
    },
    left: () => blocks.length,
  }
}

/** A service of several replicas at one address, which share their stores. */
async function service() {
  let current: RequestListener = () => undefined
  const server = createServer((request, response) => current(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const serverBaseUrl = `http://localhost:${(server.address() as AddressInfo).port}`
  const callback = `${serverBaseUrl}/credentials/callback`
  const people = await startIdentityProvider({
    resource: `${serverBaseUrl}/mcp`,
    clients: [browserClient(CLIENT, [callback])],
  })
  const pending = memoryPendingStore()
  const pendingStore = { ...pending, shared: true, shutdown: async () => {} }
  const browserSessions = memoryBrowserSessions()
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await pending.shutdown()
    await people.close()
  })

  /** A process with this environment. */
  async function replica(environment: NodeJS.ProcessEnv) {
    const {
      MCP_WEB_KEY_FILE = '',
      MCP_WEB_KEY_ACCEPTED_FILE,
      MCP_VAULT_FOLDER = '',
      MCP_VAULT_KEY_FILE = '',
    } = environment
    const accepted = MCP_WEB_KEY_ACCEPTED_FILE ? wordsIn(readFileSync(MCP_WEB_KEY_ACCEPTED_FILE, 'utf8')) : []
    const vault = await openVault({
      serverBaseUrl,
      backend: sealedFile({ folder: MCP_VAULT_FOLDER, keyFile: MCP_VAULT_KEY_FILE }),
      audit: auditFromEnvironment(environment),
      identity: oidc({ issuer: people.issuer, clientId: CLIENT }),
      pendingStore,
      browserSessions,
      webKey: readFileSync(MCP_WEB_KEY_FILE, 'utf8'),
      acceptedWebKeys: accepted,
      warn: () => {},
    })
    const jira = new CredentialsProvider({ vault, name: 'jira', variables: jiraVariables, referenceTtlSeconds: 600 })
    await jira.ready()
    const handler = vault.nodeHandler()
    const ask = async (subject: string) => {
      const user = { issuer: people.issuer, subject, clientId: randomUUID() }
      return (await jira.requestCredential({ user, correlationId: 'call' }, 'absent')).url
    }
    let closed = false
    const close = async () => {
      if (!closed) await vault.close()
      closed = true
    }
    onTestFinished(close)
    return {
      ask,
      close,
      /** Has the browser's next requests answered by this replica. */
      answer: () => {
        current = (request, response) => handler(request, response, () => response.writeHead(404).end())
      },
    }
  }
  return { replica, serverBaseUrl }
}

const formIn = (html: string) => html.includes('Personal access token')

test('the procedure, followed word for word, while two replicas serve', { timeout: 240_000 }, async () => {
  const shellOf = await operator()
  const { replica } = await service()
  const alice: HttpBrowser = httpBrowser()
  const save = async (link: string, pat: string) => {
    const page = await alice.open(link)
    expect(formIn(page.html), textOf(page.html)).toBe(true)
    const saved = await alice.press(page, 'Save', { pat })
    expect(textOf(saved.html)).toContain('saved')
  }

  const before = await replica(shellOf.environment())
  before.answer()
  const links = { first: await before.ask('alice'), second: await before.ask('alice'), last: await before.ask('alice') }
  const shown = await openForm(alice, links.first, 'alice')
  await shellOf.next()
  const old = readFileSync(join(shellOf.folder, 'audit-old.pub'), 'utf8').trim()
  await before.close()

  await shellOf.next()
  const [one, two] = [await replica(shellOf.environment()), await replica(shellOf.environment())]
  one.answer()
  await save(links.second, 'saved in step 1')
  await one.close()

  await shellOf.next()
  const swapped = await replica(shellOf.environment())
  swapped.answer()
  // A page of before, its cookie and its link.
  expect(textOf((await alice.press(shown, 'Save', { pat: 'saved in step 2' })).html)).toContain('saved')
  const fromNew = await swapped.ask('alice')
  two.answer()
  await save(fromNew, 'a new link at the replica with the old key')
  const fromOld = await two.ask('alice')
  await two.close()
  swapped.answer()
  await save(fromOld, 'an old link at the replica with the new key')
  await swapped.close()

  const retired = await shellOf.next()
  expect(retired).toMatch(/integrity: {4}intact\ncompleteness: complete/)
  expect(retired).toContain(`Key ${old} is retired:`)
  expect(retired).toMatch(new RegExp(`audit keys besides the current one +${old}: \\d+ files since \\S+ need it`))
  expect(retired).not.toContain('web keys besides')
  const after = await replica(shellOf.environment())
  after.answer()
  // The cookie of before the change has ended, and so has the link.
  expect(textOf((await alice.open(links.last)).html)).toContain('Sign in to continue')
  const refused = await openForm(alice, links.last, 'alice')
  expect([refused.status, textOf(refused.html)]).toEqual([403, expect.stringContaining('This link does not work')])
  await save(await after.ask('alice'), 'saved after the change')
  await after.close()

  const verified = await runCli(['audit', 'verify', '--json'], shellOf.environment())
  expect(verified.json()).toMatchObject({ integrity: 'intact', completeness: 'complete' })
  await shellOf.next()
  expect(shellOf.left()).toBe(0)
  const without = await runCli(['audit', 'verify'], shellOf.environment())
  expect(without.code).toBe(2)
  expect(without.out).toContain(`key_missing: it is signed with key ${old}`)
})

test('the procedure for keys that are derived from the store key', { timeout: 240_000 }, async () => {
  const shellOf = await operator({ derived: true })
  /** A process that writes to the log and ends. */
  const work = async () => {
    const done = await runCli(['doctor'], shellOf.environment())
    expect(done.code, done.out).toBe(0)
  }
  const { MCP_VAULT_FOLDER = '', MCP_VAULT_KEY_FILE = '' } = shellOf.environment()
  const store = sealedFile({ folder: MCP_VAULT_FOLDER, keyFile: MCP_VAULT_KEY_FILE })
  await store.open()
  await store.close()
  await shellOf.next()
  const old = readFileSync(join(shellOf.folder, 'audit-old.pub'), 'utf8').trim()
  await work()
  for (const step of ['1', '2']) {
    await shellOf.next()
    await work()
    expect((await runCli(['audit', 'verify'], shellOf.environment())).code, step).toBe(0)
  }
  const retired = await shellOf.next()
  expect(retired).toContain(`Key ${old} is retired:`)
  expect(retired).toMatch(new RegExp(`audit keys besides the current one +${old}: \\d+ files since \\S+ need it`))
  expect(retired).not.toContain('web keys besides')
  await shellOf.next()
  expect(shellOf.left()).toBe(0)
  expect(Object.keys(shellOf.environment()).filter((name) => name.includes('ACCEPTED'))).toEqual([])
})
