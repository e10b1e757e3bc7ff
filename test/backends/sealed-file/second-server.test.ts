import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { memoryAudit } from '../../../src/audit/memory.ts'
import { sealedFile } from '../../../src/backends/sealed-file/sealed-file.ts'
import { memoryPendingStore } from '../../../src/pending/memory-pending-store.ts'
import { openVault } from '../../../src/vault/open-vault.ts'
import type { OpenVaultOptions } from '../../../src/vault/open-vault-options.ts'
import { compiled } from '../../harness/processes/compile-module.ts'
import { runCli } from '../../harness/processes/run-cli.ts'
import { type SealedFolder, sealedFolder } from '../../harness/sealed-file/sealed-folder.ts'

const SERVER = compiled(join(import.meta.dirname, '../../harness/sealed-file/served-store.ts'))
const BASE_URL = 'http://localhost:8005'
const SECOND = /another server .* the same store/i

async function startServer(store: SealedFolder): Promise<ChildProcess> {
  const child = spawn(process.execPath, [SERVER, store.folder, BASE_URL], {
    env: { ...process.env, MCP_VAULT_KEY: store.key },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    printed += chunk
    if (printed.includes('ready\n')) break
  }
  return child
}

async function warningsOf(store: SealedFolder, change: Partial<OpenVaultOptions> = {}): Promise<string[]> {
  const warnings: string[] = []
  const vault = await openVault({
    serverBaseUrl: BASE_URL,
    backend: sealedFile({ folder: store.folder, key: store.key }),
    audit: memoryAudit(),
    warn: (message) => warnings.push(message),
    ...change,
  })
  await vault.close()
  return warnings.filter((warning) => SECOND.test(warning))
}

test('a server says at its start that another one with its address uses the same store', async () => {
  const store = await sealedFolder()
  expect(await warningsOf(store)).toEqual([])
  await startServer(store)
  expect(await warningsOf(store)).toEqual([expect.stringContaining('one process')])
})

test.each(['SIGKILL', 'end'] as const)('one that has ended (%s) is no other server', async (how) => {
  const store = await sealedFolder()
  const child = await startServer(store)
  if (how === 'end') child.stdin?.end()
  else child.kill(how)
  await once(child, 'exit')
  expect(await warningsOf(store)).toEqual([])
})

test('servers of other addresses, the command line, and servers that share their pending requests are no danger', async () => {
  const store = await sealedFolder()
  await store.open()
  expect(await warningsOf(store)).toEqual([])
  await startServer(store)
  expect(await warningsOf(store, { serverBaseUrl: 'http://localhost:8006' })).toEqual([])
  const shared = { ...memoryPendingStore(), shared: true }
  expect(await warningsOf(store, { pendingStore: shared })).toEqual([])
})

test('a folder in which no mark can be left is opened all the same', async () => {
  const store = await sealedFolder()
  expect(await warningsOf(store)).toEqual([])
  const tooLong = { ...store, folder: join(store.folder, 'x'.repeat(100)) }
  await mkdir(tooLong.folder, { mode: 0o700 })
  expect(await warningsOf(tooLong)).toEqual([])
  expect(await readdir(tooLong.folder)).not.toContain('servers')
})

test('both say since when the other runs, whichever was first', async () => {
  const store = await sealedFolder()
  const before = new Date()
  const child = await startServer(store)
  let printed = ''
  child.stdout?.on('data', (chunk) => {
    printed += chunk
  })
  const [warning = ''] = await warningsOf(store)
  const since = new Date(/since (\S+)\)/.exec(warning)?.[1] ?? '')
  expect(since.getTime()).toBeGreaterThan(before.getTime() - 1)
  expect(since.getTime()).toBeLessThan(Date.now())
  expect(warning).toContain('openVault.pendingStore')
  await expect.poll(() => printed).toMatch(SECOND)
  const own = new Date(performance.timeOrigin).toISOString()
  expect(printed).toContain(`since ${own}`)
})

test('another program that connects is no server, and can neither hold nor fill one', async () => {
  const store = await sealedFolder()
  const child = await startServer(store)
  let printed = ''
  child.stdout?.on('data', (chunk) => {
    printed += chunk
  })
  const [name = ''] = await readdir(join(store.folder, 'servers'))
  for (const text of [
    '',
    'x'.repeat(1_000_000),
    'not a time, though it is long enough',
    '2026-13-45T99:99:99.999Z\n',
  ]) {
    const socket = connect(join(store.folder, 'servers', name))
    socket.on('error', () => {})
    socket.resume()
    socket.end(text)
    await new Promise((resolve) => socket.once('close', resolve))
  }
  const silent = connect(join(store.folder, 'servers', name))
  silent.on('error', () => {})
  silent.resume()
  await new Promise((resolve) => silent.once('close', resolve))
  expect(printed).not.toMatch(SECOND)
  child.stdin?.end()
  await once(child, 'exit')
})

test('doctor counts the servers at the address, and is no server itself', async () => {
  const store = await sealedFolder()
  const environment = {
    MCP_VAULT_FOLDER: store.folder,
    MCP_VAULT_KEY: store.key,
    MCP_AUDIT_FOLDER: join(store.folder, '..', 'audit'),
    MCP_SERVER_BASE_URL: BASE_URL,
  }
  const doctorOf = async (changes: NodeJS.ProcessEnv = {}) => {
    const { code, out } = await runCli(['doctor', '--json'], { ...environment, ...changes })
    const { checks } = JSON.parse(out) as { checks: { check: string; result: string; detail: string }[] }
    return { code, ...checks.find(({ check }) => check === 'one server at this address') }
  }
  await (await store.open()).close()
  expect(await doctorOf()).toMatchObject({ code: 0, result: 'ok', detail: 'none runs' })
  await startServer(store)
  expect(await doctorOf()).toMatchObject({ code: 0, result: 'ok', detail: expect.stringContaining('running since 20') })
  const second = await startServer(store)
  expect(await doctorOf()).toMatchObject({
    code: 1,
    result: 'wrong',
    detail: expect.stringMatching(/^2 run, since 20.*MCP_PENDING_STORE/),
  })
  expect(await doctorOf({ MCP_SERVER_BASE_URL: 'http://localhost:8006' })).toMatchObject({ detail: 'none runs' })
  second.kill('SIGKILL')
  await once(second, 'exit')
  expect(await doctorOf()).toMatchObject({ code: 0, result: 'ok' })
  expect(await doctorOf({ MCP_SERVER_BASE_URL: '' })).toEqual({ code: 0 })
})
