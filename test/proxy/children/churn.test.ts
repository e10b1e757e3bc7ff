import { readdirSync, readlinkSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Child } from '../../../src/proxy/children/child.ts'
import { type ChildWorld, call, childWorld, isRunning, processesWith } from './fixture.ts'
import { ALICE, type PoolUnderTest, poolOf } from './pool-fixture.ts'
import { COMMAND_PATH, wrappedCommands } from './wrappers.ts'

/** CHURN_TIMES=500 for as many as the proxy is promised to survive. */
const TIMES = Number(process.env['CHURN_TIMES'] ?? 100)
const AT_ONCE = 6
const OWNERS = 5

let world: ChildWorld
let under: PoolUnderTest

beforeAll(async () => {
  world = await childWorld()
})

afterAll(() => world.close())

/** What may happen to a child while it is used. */
const FATES: readonly ((child: Child, session: string) => Promise<unknown>)[] = [
  (_child, session) => under.pool.end('session_closed', { session }),
  (_child, session) => under.pool.end('rotated', { session, notVersion: '2' }),
  (_child, session) => under.pool.end('revoked', { session }),
  async (child, session) => {
    process.kill(child.pid, 'SIGKILL')
    await under.pool.end('session_closed', { session })
  },
  async (child) => {
    const { pid } = (await call(child, 'surroundings')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await child.ended
  },
  async (child) => {
    await call(child, 'stray')
    await child.send({ jsonrpc: '2.0', id: 'exit', method: 'exit', params: { code: 1 } })
    await child.ended
  },
  // Its client has gone without a word, so only the idle time ends it.
  (child) => child.ended,
]

async function connectAndDisconnect(at: number, commands: readonly (readonly string[])[]): Promise<void> {
  const session = `s${at}`
  const key = { ...ALICE, subject: `owner${at % OWNERS}`, session }
  const command = commands[Math.floor(Math.random() * commands.length)] ?? []
  // Some are killed while they start.
  const beforeRun = async (pid: number) => {
    if (at % 10 === 0) setTimeout(() => killGroup(pid), Math.random() * 200)
  }
  const options = { command, literals: { PATH: COMMAND_PATH }, grace: 200, beforeRun }
  try {
    const child = await under.child(key, options)
    await call(child, 'ignoreTerm')
    await FATES[at % FATES.length]?.(child, session)
    await child.ended
    expect(isRunning(child.pid)).toBe(false)
  } catch (error) {
    // It crashed, or another of its owner has just crashed.
    if (at % 10 !== 0 && Reflect.get(Object(error), 'reason') !== 'child_crashed') throw error
    await under.pool.end('session_closed', { session })
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

test(`${TIMES} connects and disconnects with kills at random leave no child, no file and no entry`, async () => {
  const limits = { children: 50, childrenPerOwner: 20, idle: 300, backoff: 1, longestBackoff: 1 }
  under = poolOf(world, limits)
  // npx takes a second to start; the test of the killed proxy has it.
  const commands = wrappedCommands(world.root).filter(([program]) => program !== 'npx')
  const openFiles = readdirSync('/proc/self/fd').length
  let given = 0

  async function work(): Promise<void> {
    while (given < TIMES) {
      given += 1
      if (given === Math.floor(TIMES / 2)) process.kill(world.watchdog.pid ?? 0, 'SIGKILL')
      await connectAndDisconnect(given, commands)
    }
  }

  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(under.ends).toHaveLength(under.starts())
  expect(under.ends.length).toBeGreaterThan(TIMES / 2)
  await expect.poll(() => under.pool.size).toBe(0)
  await under.pool.close()
  await expect.poll(() => processesWith(`${world.watchdog.folder}/`)).toEqual([])
  expect(world.remains()).toEqual([])
  await expect.poll(() => openDescriptors() - openFiles).toBeLessThanOrEqual(2)
}, 1_200_000)

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) !== ''
    } catch {
      return false
    }
  }).length
}
