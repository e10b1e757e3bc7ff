import { afterAll, vi } from 'vitest'

// The next file runs in this process.
afterAll(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
