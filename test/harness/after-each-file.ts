import { existsSync, readdirSync } from 'node:fs'
import { afterAll, expect, vi } from 'vitest'

/** What a test file could change for those that run in its process after it. */
const stateOfProcess = () => ({
  folder: process.cwd(),
  environment: { ...process.env },
  listeners: ['uncaughtException', 'unhandledRejection', 'warning'].map((event) => process.listenerCount(event)),
})

/** The default folder of the clone's own server, which refuses another server's log there. */
const defaultLog = () => (existsSync('data/audit') ? readdirSync('data/audit').sort() : [])

const before = stateOfProcess()
const logBefore = defaultLog()

afterAll(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  expect(stateOfProcess(), 'another test file runs in this process').toEqual(before)
  expect(defaultLog(), 'a vault without an audit log of its own was opened in the folder of the clone').toEqual(
    logBefore,
  )
})
