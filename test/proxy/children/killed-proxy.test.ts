import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openWatchdog } from '../../../src/proxy/children/watchdog/watchdog.ts'
import { isRunning, processesWith } from './fixture.ts'
import { COMMAND_PATH, membersOf, startProxyProcess, wrappedCommands } from './wrappers.ts'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'killed-proxy-'))
})

afterEach(() => {
  // What a test that has failed left.
  for (const pid of processesWith(root)) process.kill(pid, 'SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

const allProcesses = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

async function tenChildren() {
  const commands = wrappedCommands(root)
  return startProxyProcess({
    folder: root,
    commands: [...commands, ...commands],
    path: COMMAND_PATH,
    secret: 'the-secret-of-alice',
  })
}

test('kill -9 of a proxy with ten children behind wrappers leaves no process and no file', async () => {
  const proxy = await tenChildren()
  expect(proxy.servers).toHaveLength(10)
  expect(proxy.servers.every(({ pid }) => isRunning(pid))).toBe(true)
  // Behind four of the five wrappers the server is a process of its own.
  expect(membersOf(proxy.groups, allProcesses()).length).toBeGreaterThanOrEqual(18)
  expect(proxy.folders.every((folder) => existsSync(folder))).toBe(true)

  proxy.process.kill('SIGKILL')
  await expect.poll(() => membersOf(proxy.groups, allProcesses())).toEqual([])
  await expect.poll(() => proxy.servers.filter(({ pid }) => isRunning(pid))).toEqual([])
  await expect.poll(() => proxy.folders.filter((folder) => existsSync(folder))).toEqual([])
  await expect.poll(() => isRunning(proxy.watchdog)).toBe(false)
  expect(processesWith(proxy.folders[0] ?? '')).toEqual([])
})

test('the next start ends and removes what a proxy left that was killed together with its watchdog', async () => {
  const proxy = await tenChildren()
  const gone = once(proxy.process, 'exit')
  process.kill(proxy.watchdog, 'SIGSTOP')
  proxy.process.kill('SIGKILL')
  process.kill(proxy.watchdog, 'SIGKILL')
  // A zombie is not enough: other threads of the proxy may still have its sockets open, and the sweep would take it for alive.
  await gone
  await expect.poll(() => isRunning(proxy.watchdog)).toBe(false)
  expect(proxy.folders.every((folder) => existsSync(folder))).toBe(true)

  const lines: string[] = []
  const next = await openWatchdog({
    folder: root,
    secretsFolder: root,
    log: (_level, message) => void lines.push(message),
  })
  await expect.poll(() => proxy.servers.filter(({ pid }) => isRunning(pid))).toEqual([])
  expect(proxy.folders.filter((folder) => existsSync(folder))).toEqual([])
  expect(lines.join()).toContain('left behind')
  await next.close()
})
