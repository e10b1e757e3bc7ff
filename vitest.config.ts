import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests wait for what they expect, never for a time. These only end a hang, also on a machine that is busy with something else.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    // Most tests wait for a server most of the time; by itself vitest leaves one processor to its own main thread.
    maxWorkers: 2,
  },
})
