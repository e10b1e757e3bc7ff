import { expect, test } from 'vitest'
import { memoryBrowserSessions } from '../../src/pending/memory-browser-sessions.ts'

// Each sign-in of somebody who is signed in ends the former session, 60 a minute for an address and 960 for an IPv6 /48; the endings of
// one hour (sessionMaxSeconds) are remembered together, those of a day when it is set to a day.
test('the sessions that one user ends do not sign anybody else out', async () => {
  const sessions = memoryBrowserSessions()
  const startedAt = Date.now()
  const until = startedAt + 86_400_000
  await new Promise((resolve) => setTimeout(resolve, 2))
  for (let index = 0; index < 100_001; index += 1) await sessions.end(`mallory-${index}`, until)
  expect(await sessions.isEnded({ id: 'alice-1', owner: 'alice', startedAt })).toBe(false)
})
