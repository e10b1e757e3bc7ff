import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryBrowserSessions } from '../../src/pending/memory-browser-sessions.ts'
import { describeBrowserSessions } from '../../src/testing/browser-sessions/suite.ts'

describe('the public suite', () => {
  describeBrowserSessions({
    test,
    async create() {
      vi.useRealTimers()
      const sessions = memoryBrowserSessions()
      return { here: sessions, there: sessions, close: async () => undefined }
    },
  })
})

const START = Date.UTC(2026, 10, 22)

beforeEach(() => {
  vi.useFakeTimers({ now: START })
})
afterEach(() => {
  vi.useRealTimers()
})

function session(id: string, owner: string, startedAt: number) {
  return { id, owner, startedAt }
}

test('an ended session is refused, others are not', async () => {
  const sessions = memoryBrowserSessions()
  expect(await sessions.isEnded(session('a', 'ann', START))).toBe(false)
  await sessions.end('a', START + 1000)
  expect(await sessions.isEnded(session('a', 'ann', START))).toBe(true)
  expect(await sessions.isEnded(session('b', 'ann', START))).toBe(false)
  await sessions.end('a', START + 10)
  vi.advanceTimersByTime(500)
  expect(await sessions.isEnded(session('a', 'ann', START))).toBe(true)
})

test('a session from before this process is refused, since its end could be forgotten', async () => {
  const sessions = memoryBrowserSessions()
  expect(await sessions.isEnded(session('a', 'ann', START - 1))).toBe(true)
})

test("endAll refuses the owner's earlier sessions only, and never takes an earlier call back", async () => {
  const sessions = memoryBrowserSessions()
  await sessions.endAll('ann', START + 100, START + 10_000)
  await sessions.endAll('ann', START + 50, START + 60)
  vi.advanceTimersByTime(200)
  expect(await sessions.isEnded(session('a', 'ann', START + 99))).toBe(true)
  expect(await sessions.isEnded(session('a', 'ann', START + 100))).toBe(false)
  expect(await sessions.isEnded(session('b', 'bob', START + 99))).toBe(false)
})

test('endings are kept until their time through many insertions', async () => {
  const sessions = memoryBrowserSessions()
  await sessions.end('kept', START + 60_000)
  await sessions.endAll('ann', START + 1, START + 60_000)
  for (let i = 0; i < 5000; i += 1) await sessions.end(`short ${i}`, START + 1)
  vi.advanceTimersByTime(10)
  for (let i = 0; i < 5000; i += 1) await sessions.end(`more ${i}`, START + 5)
  expect(await sessions.isEnded(session('kept', 'bob', START))).toBe(true)
  expect(await sessions.isEnded(session('x', 'ann', START))).toBe(true)
  expect(await sessions.isEnded(session('x', 'bob', START))).toBe(false)
})

test('more endings than can be remembered end everything rather than let one back in', async () => {
  const sessions = memoryBrowserSessions()
  vi.advanceTimersByTime(1000)
  for (let i = 0; i <= 100_000; i += 1) await sessions.end(`s${i}`, START + 60_000)
  expect(await sessions.isEnded(session('s0', 'ann', START))).toBe(true)
  expect(await sessions.isEnded(session('never ended', 'ann', START + 999))).toBe(true)
  expect(await sessions.isEnded(session('new', 'ann', START + 1000))).toBe(false)
})

test('used logins are refused, however many: beyond 100000 the oldest is forgotten, and nobody is signed out', async () => {
  const sessions = memoryBrowserSessions()
  vi.advanceTimersByTime(1000)
  for (let i = 0; i <= 100_000; i += 1) await sessions.useLogin(`l${i}`, START + 600_000)
  expect(await sessions.isLoginUsed({ id: 'l0', startedAt: START })).toBe(false)
  expect(await sessions.isLoginUsed({ id: 'l1', startedAt: START })).toBe(true)
  expect(await sessions.isLoginUsed({ id: 'l100000', startedAt: START })).toBe(true)
  expect(await sessions.isEnded(session('a', 'ann', START))).toBe(false)
})

test('a login from before this process is refused, and a used one until its cookie has expired', async () => {
  const sessions = memoryBrowserSessions()
  expect(await sessions.isLoginUsed({ id: 'l', startedAt: START - 1 })).toBe(true)
  await sessions.useLogin('l', START + 1000)
  expect(await sessions.isLoginUsed({ id: 'l', startedAt: START })).toBe(true)
  vi.advanceTimersByTime(1000)
  expect(await sessions.isLoginUsed({ id: 'l', startedAt: START })).toBe(false)
})
