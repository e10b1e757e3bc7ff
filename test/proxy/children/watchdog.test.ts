import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GATE_DESCRIPTOR, gatedCommand } from '../../../src/proxy/children/processes/exec-gate.ts'
import { openWatchdog } from '../../../src/proxy/children/watchdog/watchdog.ts'
import { WATCHDOG_SCRIPT } from '../../../src/proxy/children/watchdog/watchdog-script.ts'
import { type ChildWorld, call, childWorld, isRunning } from './fixture.ts'

let world: ChildWorld

beforeEach(async () => {
  world = await childWorld()
})

afterEach(async () => {
  await world.endAll()
  await world.close()
})

test('a watchdog that was killed is started again, and knows the children that run', async () => {
  const before = await world.start()
  const first = world.watchdog.pid ?? 0
  process.kill(first, 'SIGKILL')
  await expect.poll(() => world.watchdog.pid ?? first).not.toBe(first)
  const after = await world.start()
  expect(await call(after, 'ping')).toEqual({})
  expect(world.lines.join()).toContain('The watchdog of the proxy has ended')
  await world.watchdog.close()
  expect(await before.ended).toMatchObject({ reason: 'crashed', signal: 'SIGKILL' })
  expect(await after.ended).toMatchObject({ reason: 'crashed', signal: 'SIGKILL' })
})

test('a child does not run before the watchdog knows it', async () => {
  const pid = world.watchdog.pid ?? 0
  process.kill(pid, 'SIGSTOP')
  const start = world.start()
  await expect(start).rejects.toMatchObject({ code: 'unavailable', reason: 'timeout' })
  expect(world.remains()).toEqual([])
  process.kill(pid, 'SIGCONT')
  expect(await call(await world.start(), 'ping')).toEqual({})
})

test('signals for the terminal, and TERM, do not end it', async () => {
  const pid = world.watchdog.pid ?? 0
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.kill(pid, signal)
  expect(await call(await world.start(), 'ping')).toEqual({})
  expect(world.watchdog.pid).toBe(pid)
})

test('after its end nothing is started', async () => {
  await world.watchdog.close()
  await expect(world.start()).rejects.toMatchObject({ code: 'unavailable' })
})

test('a folder whose path is too long for a socket is refused', async () => {
  const folder = join(world.root, 'x'.repeat(100))
  mkdirSync(folder)
  await expect(openWatchdog({ folder, log: () => undefined })).rejects.toMatchObject({ code: 'configuration_invalid' })
})

// Each is /bin/sh somewhere, and bash behaves otherwise under its own name.
describe.each(['/bin/dash', '/bin/bash'])('%s as /bin/sh', (program) => {
  let shell: string
  let sleepers: readonly ChildProcess[]

  beforeEach(() => {
    sleepers = ['1001', '1002'].map((seconds) => spawn('/bin/sleep', [seconds], { detached: true }))
    shell = join(world.root, 'sh')
    symlinkSync(program, shell)
  })

  afterEach(() => {
    for (const sleeper of sleepers) sleeper.kill('SIGKILL')
  })

  test('is a watchdog that kills the groups that it was told of, but not those that have ended, and removes the folders', async () => {
    const folders = ['work', 'secrets'].map((name) => mkdtempSync(join(world.root, `${name} with a blank-`)))
    const [watched, forgotten] = sleepers
    const watchdog = execFile(shell, ['-c', WATCHDOG_SCRIPT, 'sh', ...folders], {
      env: { PATH: '/usr/bin:/bin' },
    })
    let answers = ''
    watchdog.stdout?.on('data', (text) => {
      answers += text
    })
    watchdog.stdin?.write(`+ ${watched?.pid} one\n+ ${forgotten?.pid} two\n- ${forgotten?.pid} two\n+ 99999999 three\n`)
    await expect.poll(() => answers).toBe('ready\none\ntwo\nthree\n')
    // A half line is of a proxy that died while it wrote, so that child has not run.
    watchdog.stdin?.end(`+ ${forgotten?.pid}`)
    await expect.poll(() => folders.filter((folder) => existsSync(folder))).toEqual([])
    await expect.poll(() => isRunning(watched?.pid ?? 0)).toBe(false)
    expect(isRunning(forgotten?.pid ?? 0)).toBe(true)
  })

  const gated = (environment: Record<string, string>) => {
    const [, ...words] = gatedCommand(['/usr/bin/env'], [], Object.keys(environment))
    const child = spawn(shell, words, { env: environment, stdio: ['ignore', 'pipe', 'ignore', 'pipe'] })
    let out = ''
    child.stdout?.on('data', (text) => {
      out += text
    })
    const closed = once(child, 'close')
    return { gate: child.stdio[GATE_DESCRIPTOR] as Duplex, closed, out: () => out }
  }

  test('is a gate that adds nothing to the environment', async () => {
    const { gate, closed, out } = gated({ TOKEN: 'value', API_URL: 'x' })
    gate.end('go\n')
    expect(await closed).toEqual([0, null])
    expect(out().trim().split('\n').sort()).toEqual(['API_URL=x', 'TOKEN=value'])
  })

  test('is a gate at which nothing runs if the proxy dies', async () => {
    const { gate, closed, out } = gated({})
    gate.destroy()
    expect(await closed).toEqual([125, null])
    expect(out()).toBe('')
  })
})
