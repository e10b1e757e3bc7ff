import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createBrake } from '../../../src/proxy/children/messages/brake.ts'
import { createJsonLines } from '../../../src/proxy/children/messages/json-lines.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a source is paused for the rest of a second in which it wrote too much, and then goes on', () => {
  const calls: string[] = []
  const brake = createBrake({ pause: () => calls.push('pause'), resume: () => calls.push('resume') }, 100)
  vi.advanceTimersByTime(5_000)
  brake(60)
  vi.advanceTimersByTime(400)
  expect(calls).toEqual([])
  brake(60)
  brake(60)
  expect(calls).toEqual(['pause'])
  vi.advanceTimersByTime(599)
  expect(calls).toEqual(['pause'])
  vi.advanceTimersByTime(1)
  expect(calls).toEqual(['pause', 'resume'])
  brake(100)
  vi.advanceTimersByTime(10_000)
  expect(calls).toEqual(['pause', 'resume'])
})

test('what is no message is wasted, also while its line goes on, and messages are not', () => {
  const lines = createJsonLines(100)
  const feed = (text: string) => {
    const before = lines.wastedBytes
    lines.push(Buffer.from(text))
    return lines.wastedBytes - before
  }
  expect(feed('{"jsonrpc":"2.0","method":"m"}\n')).toBe(0)
  expect(feed('noise\n')).toBe(5 + 256)
  expect(feed('\n\n\n')).toBe(3 * 256)
  expect(feed('x'.repeat(90))).toBe(0)
  expect(feed('x'.repeat(20))).toBe(110)
  expect(feed('x'.repeat(1_000))).toBe(1_000)
  expect(feed('\n{"jsonrpc":"2.0","method":"m"}\n')).toBe(0)
})
