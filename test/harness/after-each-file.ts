import { afterAll, expect, vi } from 'vitest'

/** What a test file could change for those that run in its process after it. */
const stateOfProcess = () => ({
  folder: process.cwd(),
  environment: { ...process.env },
  listeners: ['uncaughtException', 'unhandledRejection', 'warning'].map((event) => process.listenerCount(event)),
})

const before = stateOfProcess()

afterAll(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  expect(stateOfProcess(), 'another test file runs in this process').toEqual(before)
})
